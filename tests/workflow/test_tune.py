"""The study of `sbr tune`, with trials whose figures are known and that train nothing."""

import json
from dataclasses import replace
from typing import ClassVar

import pytest

from sbrcli.config.tuning import TuneConfig
from sbrcli.errors import ArtefactError, ConfigError, TrainingError
from sbrcli.workflow import tune as tuning
from sbrcli.workflow.tune import describe_search, plan_search
from sbrcli.workflow.tuning.events import TrialEnded, TrialStarted, ignore_tune_event
from sbrcli.workflow.tuning.request import TuneRequest
from sbrcli.workflow.tuning.study import Study
from sbrcli.workflow.tuning.study_folder import StudyFolder, open_study_folder
from sbrcli.workflow.tuning.trial import Outcome
from tests.chains import make_workspace

REQUEST = TuneRequest(
    dataset=None,
    explicit={"epochs": 4, "seed": 3},
    searches=("dropout=0:0.5", "hsz=4:40"),
    config=TuneConfig(trials=6),
    name="s",
)
SETTINGS = {"dropout": 0.3, "hsz": 100}
"""The defaults of the searched options: those of short sessions."""


class FakeRunner:
    """Trials of which dropout is the worth: best at 0.2."""

    trained: ClassVar[list[float]] = []
    before = staticmethod(lambda options: None)

    def __init__(self, workspace, settings, on_event):
        pass

    def run(self, options, should_prune, should_stop):
        self.before(options)
        dropout = options.get("dropout", 0.3)
        self.trained.append(dropout)
        value = 1 - abs(dropout - 0.2)
        for epoch in range(1, 5):
            if should_stop():
                return Outcome(None, None, {})
            if epoch < 4 and should_prune(epoch, value * epoch):
                return Outcome("pruned", value, facts(value, epoch))
        return Outcome("complete", value, facts(value, 4))

    def close(self):
        pass


def facts(value: float, epochs: int) -> dict[str, object]:
    return {"metrics": {"mrr@20": value}, "epochs": epochs, "best_epoch": epochs, "seconds": 2.0}


@pytest.fixture
def runner(monkeypatch):
    monkeypatch.setattr("os.fsync", lambda _: None)  # which takes most of the time here
    monkeypatch.setattr(FakeRunner, "trained", [])
    return FakeRunner


@pytest.fixture
def workspace(tmp_path):
    return make_workspace(tmp_path / "work")


def tune(workspace, request, on_event=ignore_tune_event):
    return tuning.tune(workspace, request, on_event, FakeRunner)


def with_trials(number: int, **others) -> TuneRequest:
    return replace(REQUEST, config=TuneConfig(trials=number, **others))


def plain(result) -> list[tuple]:
    return [(trial.options, trial.state, trial.valid_mrr) for trial in result.trials]


def test_the_first_trials_are_the_defaults_and_the_preset_best(workspace, runner):
    request = replace(REQUEST, searches=("dropout=0:0.5", "hsz=50:300"))
    first, second, *others = tune(workspace, request).trials
    assert first.options == {"dropout": 0.3, "hsz": 100}
    assert second.options == {"dropout": 0.3, "hsz": 192}
    assert all(0 <= one.options["dropout"] <= 0.5 for one in others)
    assert all(50 <= one.options["hsz"] <= 300 for one in others)


def test_defaults_outside_the_space_are_tried_all_the_same(workspace, runner):
    result = tune(workspace, with_trials(3))
    assert result.trials[0].options == SETTINGS  # hsz=4:40
    assert result.trials[0].valid_mrr == pytest.approx(0.9)


def test_the_best_trial_is_named_with_the_command_that_trains_it(workspace, runner):
    result = tune(workspace, REQUEST)
    best = max(result.trials, key=lambda trial: trial.valid_mrr)
    assert result.best == best
    dropout, hsz = best.options["dropout"], best.options["hsz"]
    words = f"sbr train --dataset user --hsz {hsz} --dropout {dropout:g} --epochs 4 --seed 3"
    assert result.command == words
    assert [trial.number for trial in result.trials] == [1, 2, 3, 4, 5, 6]


def test_a_study_that_goes_on_has_the_trials_of_one_that_was_never_stopped(workspace, runner):
    whole = tune(workspace, replace(REQUEST, name="whole"))
    tune(workspace, with_trials(2))
    tune(workspace, with_trials(4))
    assert plain(tune(workspace, REQUEST)) == plain(whole)
    assert len(runner.trained) == 2 * 6


def test_a_study_with_enough_trials_trains_none(workspace, runner, monkeypatch):
    first = tune(workspace, REQUEST)
    monkeypatch.setattr(FakeRunner, "__init__", None)  # not even begun
    assert tune(workspace, REQUEST) == first


def test_another_seed_draws_other_trials(workspace, runner):
    one = tune(workspace, with_trials(5))
    other = replace(with_trials(5), explicit={"epochs": 4, "seed": 4}, name="t")
    assert plain(one) != plain(tune(workspace, other))


def test_a_trial_whose_process_was_killed_is_trained_again(workspace, runner, monkeypatch):
    def kill(config):
        if len(runner.trained) == 3:
            raise SystemExit

    whole = tune(workspace, replace(REQUEST, name="whole"))
    runner.trained.clear()
    # As if by SIGKILL: nothing is stored of the trial, but its lock is free.
    with monkeypatch.context() as patch:
        patch.setattr(runner, "before", staticmethod(kill))
        patch.setattr(Study, "give_back", lambda *_: None)
        with pytest.raises(SystemExit):
            tune(workspace, REQUEST)
    assert plain(tune(workspace, REQUEST)) == plain(whole)


def test_ctrl_c_keeps_the_study_and_gives_the_trial_back(workspace, runner, monkeypatch):
    def press(config):
        if len(runner.trained) == 3:
            raise KeyboardInterrupt

    whole = tune(workspace, replace(REQUEST, name="whole"))
    runner.trained.clear()
    with monkeypatch.context() as patch:
        patch.setattr(runner, "before", staticmethod(press))
        with pytest.raises(KeyboardInterrupt):
            tune(workspace, REQUEST)
    assert plain(tune(workspace, REQUEST)) == plain(whole)


def test_a_failed_trial_does_not_end_the_study(workspace, runner, monkeypatch):
    run = runner.run

    def fail_second(self, options, *others):
        if len(self.trained) == 1:
            self.trained.append(0.0)
            return Outcome("failed", None, {"error": "the loss is nan", "seconds": 1.0})
        return run(self, options, *others)

    monkeypatch.setattr(runner, "run", fail_second)
    result = tune(workspace, with_trials(4))
    assert [one.state for one in result.trials] == ["complete", "failed", "complete", "complete"]
    assert (result.trials[1].error, result.trials[1].valid_mrr) == ("the loss is nan", None)


def test_a_study_of_failures_alone_is_an_error(workspace, runner, monkeypatch):
    failed = Outcome("failed", None, {"error": "the loss is nan", "seconds": 1.0})
    monkeypatch.setattr(runner, "run", lambda *_: failed)
    with pytest.raises(TrainingError) as caught:
        tune(workspace, with_trials(3))
    assert str(caught.value) == "no trial is complete: 3 failed, the first with: the loss is nan"
    assert caught.value.hint == "search lower learning rates or smaller networks"


def test_a_trial_below_the_median_of_the_earlier_ones_is_pruned(workspace, runner):
    result = tune(workspace, with_trials(20))
    pruned = [one for one in result.trials if one.state == "pruned"]
    assert pruned
    # Four trials are complete before any is pruned, and each trains two epochs at least.
    assert all(one.number > 4 and one.epochs in (2, 3) for one in pruned)
    assert result.best is not None
    assert result.best.valid_mrr > max(one.valid_mrr for one in pruned)


def test_options_that_were_trained_before_are_not_trained_again(workspace, runner):
    result = tune(workspace, replace(with_trials(8), searches=("layers=1,2",)))
    assert len(result.trials) == 8
    assert len(runner.trained) == 2
    assert {one.options["layers"] for one in result.trials} == {1, 2}


def test_an_option_is_drawn_where_it_has_an_effect_alone(workspace, runner):
    searches = ("loss=cross-entropy,bpr-max", "label-smoothing=0:0.2", "elu=0.1:1")
    result = tune(workspace, replace(with_trials(12), searches=searches))
    by_loss = {one.options["loss"]: set(one.options) - {"loss"} for one in result.trials[1:]}
    assert by_loss == {"cross-entropy": {"label_smoothing"}, "bpr-max": {"elu"}}


@pytest.mark.parametrize(("heads", "texts"), [(2, ()), (8, ()), (2, ("heads=2,3,5",))])
def test_drawn_units_are_divided_among_the_heads(workspace, runner, heads, texts):
    fixed = {"epochs": 4, "seed": 3} | ({} if texts else {"heads": heads})
    request = replace(
        with_trials(12), model="sasrec", explicit=fixed, searches=("hsz=7:90", "dropout", *texts)
    )
    configure = plan_search(workspace, request).settings.configure
    tried = [one.options for one in tune(workspace, request).trials[1:]]
    assert {one["hsz"] % one.get("heads", heads) for one in tried} == {0}
    assert len({one["hsz"] for one in tried}) > 3
    assert [configure(one).hsz for one in tried] == [(one["hsz"],) for one in tried]


def test_the_time_limit_ends_the_study_and_one_trial_is_complete(workspace, runner):
    result = tune(workspace, with_trials(6, time_limit=1e-9))
    assert [one.state for one in result.trials] == ["complete"]
    assert len(tune(workspace, REQUEST).trials) == 6


def test_two_processes_share_a_study_and_its_number_of_trials(workspace, runner):
    search = plan_search(workspace, REQUEST)
    folder = open_study_folder(workspace, "s")
    folder.begin(search.settings.document(search.space))
    configure = search.settings.configure
    with folder.working() as first, folder.working() as second:
        studies = [Study(folder, search.space, 3, name) for name in (first, second)]
        studies[0].enqueue_first(SETTINGS)
        studies[1].enqueue_first(SETTINGS)
        proposals = [studies[turn % 2].propose(configure, 40, 3) for turn in range(4)]
        assert [one is None for one in proposals] == [False, False, False, True]
        assert proposals[0].options == SETTINGS
        # Neither takes the other's running trials for those of a dead process.
        assert [study.take_up_killed() for study in studies] == [0, 0]
        studies[1].end(proposals[1], "complete", 0.5, metrics={"mrr@20": 0.5})
        states = [one.state for one in studies[0].trials()]
        assert states == ["running", "complete", "running"]
    assert studies[0].take_up_killed() == 2


def test_other_options_under_the_same_name_are_refused_unless_it_is_overwritten(workspace, runner):
    tune(workspace, with_trials(2))
    other = replace(with_trials(2), searches=("dropout=0:0.1",))
    with pytest.raises(ArtefactError) as caught:
        tune(workspace, other)
    assert str(caught.value) == "study s exists already, with another space"
    assert caught.value.hint == "--overwrite begins it again, --name gives this one another name"
    result = tune(workspace, replace(other, overwrite=True))
    assert [set(one.options) for one in result.trials] == [{"dropout"}, {"dropout"}]


def test_a_study_is_not_overwritten_while_another_process_works_on_it(workspace, runner):
    tune(workspace, with_trials(1))
    with StudyFolder(workspace.root, "s").working(), pytest.raises(ArtefactError) as caught:
        tune(workspace, replace(with_trials(1), overwrite=True))
    assert str(caught.value) == "another sbr is working on study s"
    assert caught.value.hint == "wait until it ends, or give another --name"


def test_a_line_that_a_killed_process_left_unfinished_is_removed(workspace, runner):
    first = tune(workspace, with_trials(3))
    journal = StudyFolder(workspace.root, "s").journal
    with journal.open("a") as file:
        file.write('{"op_code":6,"worker_id":"1')
    assert plain(tune(workspace, REQUEST))[:3] == plain(first)


def test_a_damaged_journal_is_an_artefact_error(workspace, runner):
    tune(workspace, with_trials(1))
    journal = StudyFolder(workspace.root, "s").journal
    journal.write_text("no journal\n" + journal.read_text())
    with pytest.raises(ArtefactError) as caught:
        tune(workspace, REQUEST)
    assert f"study {journal.parent} is damaged: its journal cannot be read (" in str(caught.value)
    assert caught.value.hint == "--overwrite begins it again"


def test_a_study_of_a_later_version_is_not_continued(workspace, runner):
    tune(workspace, with_trials(1))
    file = StudyFolder(workspace.root, "s").path / "study.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"format_version": 9}))
    with pytest.raises(ArtefactError, match=r"study.json is of another version, or of no study"):
        tune(workspace, REQUEST)


def test_a_study_that_cannot_be_written_says_where(workspace, runner):
    (workspace.root / "studies").write_text("a file")
    with pytest.raises(ArtefactError) as caught:
        tune(workspace, REQUEST)
    where = workspace.root / "studies" / "s"
    assert str(caught.value) == f"cannot write study {where}: Not a directory"
    assert caught.value.hint == "free some space or name another place with --workdir"


def test_each_trial_is_reported_with_the_best_so_far_and_the_time_left(workspace, runner):
    seen = []
    tune(workspace, with_trials(3), seen.append)
    kinds = [type(event) for event in seen]
    assert kinds == [TrialStarted, TrialEnded] * 3
    assert [event.trial.number for event in seen] == [1, 1, 2, 2, 3, 3]
    # Each trial takes two seconds.
    assert [event.seconds_left for event in seen] == [None, 4.0, 4.0, 2.0, 2.0, 0.0]
    assert seen[0].best is None
    assert seen[1].best == seen[1].trial


def test_a_plan_estimates_the_time_by_the_trials_done(workspace, runner):
    assert describe_search(workspace, REQUEST).plan["seconds"] is None
    assert not (workspace.root / "studies").exists()
    tune(workspace, with_trials(2))
    plan = describe_search(workspace, with_trials(7)).plan
    assert (plan["trials_done"], plan["seconds"]) == (2, 10.0)
    assert describe_search(workspace, with_trials(7, time_limit=4.0)).plan["seconds"] == 4.0


def test_the_importance_of_options_sums_to_one_and_names_the_one_that_counts(workspace, runner):
    found = tune(workspace, with_trials(24)).importance
    assert sum(found.values()) == pytest.approx(1)
    assert next(iter(found)) == "dropout"


def test_what_is_fixed_cannot_be_searched(workspace):
    with pytest.raises(ConfigError) as caught:
        tune(workspace, replace(REQUEST, explicit={"hsz": (8,)}))
    assert str(caught.value) == "--hsz is fixed, and cannot be searched too"
    assert caught.value.hint == "omit --hsz or its --search"


def test_a_dataset_without_valid_cannot_be_tuned(tmp_path):
    without = make_workspace(tmp_path / "without", valid_days=0)
    with pytest.raises(ConfigError) as caught:
        tune(without, REQUEST)
    assert str(caught.value) == "tuning needs a valid split, and dataset user has none"
    assert caught.value.hint == "prepare it with one: sbr preprocess LOG --valid-share 0.1"
