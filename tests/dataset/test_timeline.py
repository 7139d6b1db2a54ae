"""How a split's targets lie in time, told by preprocess, evaluate and their JSON."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sbrcli.dataset.timeline import Timeline, find_early_targets
from sbrcli.sessions import Sessions
from tests.builders import write_ratings
from tests.report.workdirs import make_evaluated

DAY = 86_400


def sessions(*times: float, targets: list[bool] | None = None) -> Sessions:
    """Make one session with an event at each time."""
    mask = None if targets is None else np.array(targets)
    return Sessions(
        np.zeros(len(times), np.int32), np.array([0, len(times)]), np.array(times), mask
    )


def test_targets_after_the_last_training_event_are_counted():
    found = Timeline.of(sessions(0.0, 10.0, 20.0, 20.5, 30.0), train_last=20)
    assert found == Timeline("1970-01-01T00:00:20+00:00", "1970-01-01T00:00:10+00:00", 2 / 4)


def test_only_marked_events_are_targets():
    asked = [False, False, True]
    found = Timeline.of(sessions(0.0, 10.0, 30.0, targets=asked), train_last=20)
    assert found is not None
    assert (found.first_target_time, found.targets_after_train) == ("1970-01-01T00:00:30+00:00", 1)
    assert Timeline.of(sessions(5.0), train_last=20) is None


@pytest.mark.parametrize(
    ("suggested_gap", "advice"),
    [
        (1800, "; --split time prevents this, and --session gap:1800 makes sessions shorter"),
        (None, "; --split time prevents this"),
    ],
)
def test_most_targets_before_the_end_of_training_are_warned_of(suggested_gap, advice):
    early = Timeline("2002-12-30T02:26:00+00:00", "2000-05-01T00:00:00+00:00", 0.04)
    assert list(find_early_targets({"test": early}, suggested_gap)) == [
        "only 4 % of the test targets are later than the last training event (2002-12-30), because "
        f"a session belongs to test by its end and sessions are long{advice}"
    ]
    assert not list(find_early_targets({"test": replace(early, targets_after_train=0.5)}))
    assert not list(find_early_targets({"valid": early}))


def write_log(*, long: bool) -> None:
    """Write 40 users of two days each; with `long`, of 400 days each."""
    rows = []
    for user in range(40):
        for event in range(10):
            step = 40 * DAY if long else DAY // 5
            rows.append(f"{user} {event} {user * 10 * DAY + event * step}")
    write_ratings(Path("ratings.dat"), ", ".join(rows))


def test_preprocess_warns_and_the_manifest_and_the_protocol_tell_it(sbr):
    write_log(long=True)
    said = sbr("preprocess", "ratings.dat", "--test-days", 50, "--valid-days", 50, "--json")
    assert "of the test targets are later than the last training event" in said.stderr
    told = json.loads(said.stdout)["timeline"]["test"]
    assert told["targets_after_train"] < 0.5
    assert told["first_target_time"] < told["train_last_time"]
    again = sbr("preprocess", "ratings.dat", "--test-days", 50, "--valid-days", 50, "--json")
    assert json.loads(again.stdout)["timeline"]["test"] == told


def test_preprocess_suggests_the_gap_that_the_doctor_suggests(sbr):
    rows = [
        f"{user} {visit * 5 + event} {user * 10 * DAY + visit * 40 * DAY + event * 3000}"
        for user in range(40)
        for visit in range(10)
        for event in range(5)
    ]
    write_ratings(Path("ratings.dat"), ", ".join(rows))
    gap = json.loads(sbr("stats", "ratings.dat", "--json").stdout)["suggested_gap_seconds"]
    assert gap not in (None, 3600)
    said = sbr("preprocess", "ratings.dat", "--test-days", 50, "--valid-days", 50)
    assert f", and --session gap:{gap} makes sessions shorter\n" in said.stderr


def test_the_protocol_states_it(sbr):
    make_evaluated(Path("sbr-work"))
    said = sbr("evaluate")
    rows = dict(line.split("\t") for line in said.stdout.split("\n\n")[-1].splitlines())
    assert rows["last training event"] == "1970-03-08T16:07:00+00:00"
    assert rows["first target"] > rows["last training event"]
    assert rows["targets after the last training event"] == "1.0"
    document = json.loads(sbr("evaluate", "--json").stdout)
    assert document["protocol"]["targets_after_train"] == 1


def test_short_sessions_are_not_warned_of(sbr):
    write_log(long=False)
    said = sbr("preprocess", "ratings.dat", "--test-days", 50, "--valid-days", 50, "--json")
    assert "test targets" not in said.stderr
    assert json.loads(said.stdout)["timeline"]["test"]["targets_after_train"] == 1


def test_a_dataset_of_an_earlier_version_tells_nothing_of_it_and_opens(sbr):
    write_log(long=True)
    words = ("preprocess", "ratings.dat", "--test-days", 50, "--valid-days", 50, "--json")
    folder = Path(json.loads(sbr(*words).stdout)["dataset"])
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["timeline"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    said = sbr(*words)
    assert (said.code, json.loads(said.stdout)["timeline"]) == (0, {})
    assert sbr("stats").code == 0
