"""What `sbr tune` says while it works, and its tables on a terminal."""

import pytest

from sbrcli.artefacts.dataset import SourceFile
from sbrcli.artefacts.workspace import Workspace
from sbrcli.cli import output
from sbrcli.cli.output import Output
from sbrcli.cli.tuning_progress import TuningProgress, trial_line
from sbrcli.cli.tuning_tables import result_tables
from sbrcli.errors import ArtefactError
from sbrcli.models.training.events import EpochStarted, TrainingResumed, ValidationStarted
from sbrcli.reporter import SILENT
from sbrcli.workflow.tuning.events import TrialEnded, TrialStarted
from sbrcli.workflow.tuning.result import Trial, TuneResult
from sbrcli.workflow.tuning.session_rules import datasets_by_rule
from tests.chains import make_workspace

BEST = Trial(
    number=3,
    options={"hsz": 128, "learning_rate": 0.05, "shuffle": True},
    valid_mrr=0.12345,
    metrics={"mrr@20": 0.12345},
    state="complete",
    seconds=75.0,
    epochs=8,
)
PRUNED = Trial(number=12, options={"hsz": 32}, valid_mrr=0.1, state="pruned", seconds=9, epochs=2)
FAILED = Trial(number=13, options={"hsz": 64}, state="failed", seconds=0.5, error="the loss is nan")


def ended(trial: Trial, seconds_left: float | None = 600.0) -> TrialEnded:
    return TrialEnded(trial=trial, trials=30, best=BEST, seconds_left=seconds_left)


@pytest.mark.parametrize(
    ("trial", "line"),
    [
        (
            BEST,
            "trial  3/30  mrr@20 .1235 *  hsz 128, learning-rate 0.05, shuffle yes  "
            "75 s, 10 min left",
        ),
        (
            PRUNED,
            "trial 12/30  mrr@20 .1000    pruned after epoch 2  hsz 32  9.0 s, 10 min left",
        ),
        (FAILED, "trial 13/30  failed: the loss is nan  hsz 64  0.5 s, 10 min left"),
    ],
)
def test_a_trial_is_a_line(trial, line):
    assert trial_line(ended(trial)) == line


def test_the_bar_names_trial_and_epoch_and_shows_the_best_and_the_time_left(monkeypatch):
    shown, told = [], []

    class Recording(Output):
        def progress(self, total, unit, description):
            shown.append((total, unit, description))
            return super().progress(total, unit, description)

        def note(self, text):
            told.append(text)

    with TuningProgress(Recording()) as progress:
        started = TrialStarted(trial=PRUNED, trials=30, best=BEST, seconds_left=600.0)
        progress.show(started)
        progress.show(TrainingResumed(epoch=2, epochs=8, done_share=0.5))
        progress.show(EpochStarted(epoch=2, epochs=8, num_targets=500, num_done=250))
        progress.show(ValidationStarted(epoch=2, epochs=8, num_targets=70))
        assert progress._figures == {"best": ".1235", "left": "10 min"}
    assert shown == [
        (500, "events", "trial 12/30, epoch 2/8"),
        (70, "events", "trial 12/30, validating 2/8"),
    ]
    assert told == ["trial 12/30 resumed in epoch 2/8"]


RESULT = TuneResult(
    study="clicks",
    dataset="clicks-user",
    model="gru4rec",
    monitor="mrr@20",
    trials=[BEST, PRUNED, FAILED],
    best=BEST,
    command="sbr train",
    importance={"learning_rate": 0.75, "hsz": 0.25},
)


def test_a_pipe_gets_a_column_for_each_option(monkeypatch):
    monkeypatch.setattr(output, "is_terminal", lambda _: False)
    trials, importance = result_tables(RESULT)
    assert trials.columns == ["trial", "hsz", "learning-rate", "shuffle", "mrr@20", "epochs",
                              "seconds", "state", "best"]  # fmt: skip
    assert trials.rows[0] == [3, 128, "0.05", True, 0.12345, 8, 75.0, "complete", "*"]
    assert trials.rows[2][-2:] == ["failed: the loss is nan", ""]
    assert importance.rows == [["learning-rate", 0.75], ["hsz", 0.25]]


def test_a_person_sees_the_options_in_one_column_and_what_counts(monkeypatch):
    monkeypatch.setattr(output, "is_terminal", lambda _: True)
    trials, importance = result_tables(RESULT)
    assert trials.title == "Study clicks on dataset clicks-user, metrics on valid"
    assert trials.columns == ["trial", "options", "mrr@20", "epochs", "seconds", "state", "best"]
    options = "hsz 128, learning-rate 0.05, shuffle yes"
    assert trials.rows[0] == [3, options, 0.12345, 8, 75.0, "complete", "*"]
    assert trials.bold == [0]
    assert importance.title == "Importance of the options"


def test_a_person_sees_the_plan_in_three_tables(sbr, tmp_path):
    make_workspace(tmp_path / "sbr-work")
    words = ("tune", "--dry-run", "--epochs", 2, "--search", "hsz=4:8")
    lines = sbr(*words, terminal=True).stdout.splitlines()
    titles = ["What would be done", "What would be searched", "What is fixed"]
    assert [line for line in lines if line in titles] == titles


def test_a_session_rule_needs_a_dataset_of_one_log(tmp_path):
    work = make_workspace(tmp_path / "work")
    base = work.open("dataset")
    source = base.source.to_document() | {"test_log": SourceFile("t.csv", "0").to_document()}
    given = base.with_entries(source=source)
    with pytest.raises(ArtefactError) as caught:
        datasets_by_rule(work, given, ["gap:60"], tmp_path / "log.dat", SILENT)
    words = "dataset user was made of several logs, and has one session rule alone"
    assert (str(caught.value), caught.value.hint) == (words, "name another with --dataset")


def test_a_dataset_of_unknown_options_is_damaged(tmp_path):
    work = Workspace(make_workspace(tmp_path / "work").root)
    base = work.open("dataset")
    log = tmp_path / "log.dat"
    log.write_text("")
    spoilt = base.with_entries(
        config=base.config | {"min_session_length": 0},
        source=base.source.to_document()
        | {"sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    )
    with pytest.raises(ArtefactError) as caught:
        datasets_by_rule(work, spoilt, ["gap:60"], log, SILENT)
    assert "its options are not those of sbr preprocess: min-session-length" in str(caught.value)
