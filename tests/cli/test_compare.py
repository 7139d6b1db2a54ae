"""`sbr compare`: what sets runs apart, which figures stand side by side, and which do not."""

import json
from pathlib import Path

import pytest

from sbrcli.config import TrainConfig
from sbrcli.manifests import write_json
from tests.builders import make_run

WORK = Path("sbr-work")


def write_run(
    name: str,
    *,
    figure: float | None = None,
    way: str = "test",
    dataset: str = "user",
    events: int = 100,
    seconds: float = 10.0,
    **config: object,
) -> None:
    """Write a run with one epoch, its options, and the figures that `sbr evaluate` would keep."""
    folder = make_run(WORK, name=name, dataset={"name": dataset, "fingerprint": dataset[:1]})
    manifest = json.loads((folder / "manifest.json").read_text())
    epoch = {"epoch": 1, "seconds": seconds, "mrr@20": 0.5}
    manifest |= {"config": config, "parameters": 64, "epochs": [epoch], "best_epoch": 1}
    write_json(folder / "manifest.json", manifest)
    if figure is not None:
        metrics = {"recall@20": figure, "mrr@20": figure / 2, "ndcg@20": figure}
        protocol = {"events": events, "sessions": 9, "candidates": 99, "exclude_seen": False}
        protocol |= {"coverage": "every next item of every session"}
        write_json(folder / "evaluation.json", {way: {"metrics": metrics, "protocol": protocol}})


def runs_of(said) -> list[str]:
    return [row["run"] for row in json.loads(said.stdout)["runs"]]


def test_runs_stand_side_by_side_with_the_options_in_which_they_differ(sbr):
    write_run("a", figure=0.25, layers=1, hsz=[50], dropout=0.1)
    write_run("b", figure=0.5, layers=2, hsz=[50, 30], dropout=0.1)
    said = sbr("compare")
    assert said.stdout == (
        "run\tlayers\thsz\trecall@20\tmrr@20\tndcg@20\tvalid\tparameters\tseconds\n"
        "b\t2\t50,30\t0.5\t0.25\t0.5\t0.5\t64\t10.0\n"
        "a\t1\t50\t0.25\t0.125\t0.25\t0.5\t64\t10.0\n"
    )
    assert (said.stderr, said.code) == ("", 0)


def shown(said) -> str:
    return "\n".join(line.rstrip() for line in said.stdout.splitlines()) + "\n"


def test_a_person_gets_the_figures_and_the_options_apart_in_80_columns(sbr):
    write_run("a-run-of-a-name-of-some-length", figure=0.25, n_sample=64, hsz=[50, 30], refit=True)
    write_run("b", figure=0.5, learning_rate=0.1, batch_size=64, seconds=1234.56)
    assert shown(sbr("compare", terminal=True)) == (
        "Runs on test, by mrr; figures at k = 20\n"
        "\n"
        "  recall      mrr     ndcg    valid   seconds   parameters\n"
        " ──────────────────────────────────────────────────────────\n"
        "  b\n"
        "  0.5000   0.2500   0.5000   0.5000   1,234.6           64\n"
        "  a-run-of-a-name-of-some-length\n"
        "  0.2500   0.1250   0.2500   0.5000      10.0           64\n"
        "\n"
        "Their options\n"
        "\n"
        "  run                              differs in\n"
        " ──────────────────────────────────────────────────────────────────────────────\n"
        "  b                                hsz 100, n-sample auto, learning-rate 0.1,\n"
        "                                   batch-size 64, refit no\n"
        "  a-run-of-a-name-of-some-length   hsz 50,30, n-sample 64, learning-rate 0.07,\n"
        "                                   batch-size 32, refit yes\n"
        "\n"
    )


def test_a_person_sees_runs_of_each_protocol_apart_and_no_options_where_they_are_alike(sbr):
    write_run("a", figure=0.25)
    write_run("b", figure=0.5, events=7)
    write_run("c")
    said = shown(sbr("compare", terminal=True))
    assert [line for line in said.splitlines() if line and line[0].isalpha()] == [
        "Protocol 1: runs on test, by mrr; figures at k = 20",
        "Protocol 2: runs on test, by mrr; figures at k = 20",
        "Not evaluated so far on test",
        "Protocols",
    ]
    names = [line.split()[0] for line in said.splitlines() if "64" in line.split()]
    assert names == ["a", "b", "c"]
    assert said.partition("Protocols\n\n")[2] == (
        "  protocol   what it is\n"
        " ──────────────────────────────────────────────────────────────────────────────\n"
        "         1   dataset user, events 100, sessions 9, candidates 99, exclude-seen\n"
        "             no, coverage every next item of every session\n"
        "         2   dataset user, events 7, sessions 9, candidates 99, exclude-seen\n"
        "             no, coverage every next item of every session\n"
        "\n"
    )


def test_the_seconds_of_a_refit_count(sbr):
    write_run("a", figure=0.1, seconds=30)
    manifest = json.loads((WORK / "runs/a/manifest.json").read_text())
    refit = {"epochs": [{"epoch": 1, "seconds": 5.0}, {"epoch": 2, "seconds": 7.0}]}
    write_json(WORK / "runs/a/manifest.json", manifest | {"refit": refit})
    row = json.loads(sbr("compare", "--json").stdout)["runs"][0]
    assert row["seconds"] == 30 + 5 + 7


@pytest.mark.parametrize(
    ("sort", "expected"),
    [("mrr", "cab"), ("recall", "cab"), ("seconds", "bca"), ("run", "abc"), ("valid", "abc")],
)
def test_the_order_is_by_what_is_asked_for(sbr, sort, expected):
    write_run("a", figure=0.2, seconds=30)
    write_run("b", figure=0.1, seconds=10)
    write_run("c", figure=0.3, seconds=20)
    assert runs_of(sbr("compare", "--sort", sort, "--json")) == list(expected)


def test_named_runs_alone_are_compared(sbr):
    for name in "abc":
        write_run(name, figure=0.1)
    assert runs_of(sbr("compare", "c", "a", "--json")) == ["a", "c"]


def test_runs_of_other_protocols_stand_apart_and_that_is_said(sbr):
    write_run("a", figure=0.1)
    write_run("b", figure=0.9, dataset="gap-3600", events=7)
    write_run("c", figure=0.3)
    said = sbr("compare")
    rows = [line.split("\t")[:3] for line in said.stdout.split("\n\n")[0].splitlines()]
    assert rows == [
        ["protocol", "run", "dataset"],
        ["1", "c", "user"],
        ["1", "a", "user"],
        ["2", "b", "gap-3600"],
    ]
    assert said.stdout.split("\n\n")[1] == (
        "protocol\tdataset\tevents\tsessions\tcandidates\texclude_seen\tcoverage\n"
        "1\tuser\t100\t9\t99\tFalse\tevery next item of every session\n"
        "2\tgap-3600\t7\t9\t99\tFalse\tevery next item of every session\n"
    )
    assert said.stderr == (
        "warning: the runs were evaluated by 2 protocols, which differ in dataset, events: their "
        "figures can not be compared across these\n"
    )


def test_a_dataset_that_was_made_anew_under_its_name_is_another_protocol(sbr):
    write_run("a", figure=0.1)
    write_run("b", figure=0.1)
    manifest = json.loads((WORK / "runs/b/manifest.json").read_text())
    manifest["dataset"]["fingerprint"] = "another"
    write_json(WORK / "runs/b/manifest.json", manifest)
    assert "differ in fingerprint" in sbr("compare").stderr


def test_a_run_that_was_not_evaluated_comes_last_and_that_is_said(sbr):
    write_run("a")
    write_run("b", figure=0.1)
    said = sbr("compare", "--json")
    rows = json.loads(said.stdout)["runs"]
    assert [row["run"] for row in rows] == ["b", "a"]
    assert rows[1]["protocol"] is None
    assert rows[1]["metrics"] == {"recall@20": None, "mrr@20": None, "ndcg@20": None}
    assert said.stderr == "warning: not evaluated so far: a (sbr evaluate --run NAME)\n"


def test_a_run_that_was_evaluated_at_another_k_has_no_figures_and_that_is_said(sbr):
    write_run("a", figure=0.1, way="valid")
    said = sbr("compare", "--split", "valid", "-k", 5, "--json")
    row = json.loads(said.stdout)["runs"][0]
    assert row["metrics"] == {"recall@5": None, "mrr@5": None, "ndcg@5": None}
    assert said.stderr == (
        "warning: not evaluated at k = 5 so far: a (sbr evaluate --split valid -k 5 --run NAME)\n"
    )


def test_another_split_and_another_way_are_read_apart(sbr):
    write_run("a", figure=0.1, way="valid exclude-seen")
    said = sbr("compare", "--split", "valid", "--exclude-seen", "--json")
    assert json.loads(said.stdout)["runs"][0]["metrics"]["recall@20"] == 0.1
    said = sbr("compare", "--exclude-seen")
    assert said.stderr == (
        "warning: not evaluated so far: a (sbr evaluate --exclude-seen --run NAME)\n"
    )
    said = sbr("compare", "--split", "valid")
    assert said.stderr == (
        "warning: not evaluated so far: a (sbr evaluate --split valid --run NAME)\n"
    )


@pytest.mark.parametrize(
    ("way", "options"),
    [
        ("test exclude-seen", "--exclude-seen"),
        ("valid exclude-seen", "--split valid --exclude-seen"),
    ],
)
def test_what_to_evaluate_is_said_with_its_options(sbr, way, options):
    write_run("a", figure=0.1, way=way)
    write_run("b")
    said = sbr("compare", *options.split(), "-k", 7)
    assert said.stderr == (
        f"warning: not evaluated so far: b (sbr evaluate {options} --run NAME)\n"
        f"warning: not evaluated at k = 7 so far: a (sbr evaluate {options} -k 7 --run NAME)\n"
    )


def test_a_run_of_before_an_option_was_there_has_it_at_its_default(sbr):
    write_run("a", figure=0.1)
    write_run("b", figure=0.1, bptt=TrainConfig().bptt)
    document = json.loads(sbr("compare", "--json").stdout)
    assert [row["config"] for row in document["runs"]] == [{}, {}]


def test_figures_of_a_later_version_are_passed_over(sbr):
    write_run("a", figure=0.5)
    path = WORK / "runs" / "a" / "evaluation.json"
    kept = json.loads(path.read_text())
    kept["test"]["metrics"] |= {"map@20": None, "curve": [0.5, 0.25]}
    write_json(path, kept | {"format": 2, "test calibrated": "not figures at all"})
    said = sbr("compare", "--json")
    assert (said.stderr, said.code) == ("", 0)
    metrics = {"recall@20": 0.5, "mrr@20": 0.25, "ndcg@20": 0.5}
    assert json.loads(said.stdout)["runs"][0]["metrics"] == metrics


def test_without_a_run_there_is_nothing_to_compare(sbr):
    said = sbr("compare", "--json")
    assert (said.stdout, said.code) == ("", 5)
    assert said.stderr == "error: no run in sbr-work\nhint: make one with: sbr train\n"


def test_a_run_in_training_is_left_out_unless_it_is_named(sbr):
    write_run("a", figure=0.1)
    write_run("b", figure=0.1)
    manifest = json.loads((WORK / "runs/b/manifest.json").read_text())
    write_json(WORK / "runs/b/manifest.json", manifest | {"status": "training"})
    assert runs_of(sbr("compare", "--json")) == ["a"]
    said = sbr("compare", "b")
    assert (said.stdout, said.code) == ("", 5)
    assert said.stderr == (
        "error: run b is in epoch 1 (interrupted)\nhint: sbr train --resume --name b goes on\n"
    )


def test_an_order_that_there_is_not_is_a_usage_error(sbr):
    assert sbr("compare", "--sort", "beauty").code == 2


def test_a_k_that_is_not_below_the_candidates_is_warned_of(sbr):
    write_run("a", figure=0.1)
    said = sbr("compare", "-k", 99)
    assert said.stderr.splitlines()[0] == (
        "warning: the number of candidates is 99, so recall is 1 by construction at k = "
        "99, whatever the model: choose a K below 99 (sbr evaluate -k)"
    )
    assert "by construction" not in sbr("compare", "-k", 98).stderr
