"""The grid of `sbr tune`, with trainings that are not done."""

from dataclasses import replace

import pytest

from sbrcli.config.tuning import TuneConfig
from sbrcli.errors import ArtefactError, ConfigError, TrainingError
from sbrcli.reporter import SILENT
from sbrcli.workflow.begin_run import begin_run
from sbrcli.workflow.tuning import grid
from sbrcli.workflow.tuning.events import TrialEnded
from sbrcli.workflow.tuning.grid import GridRequest, plan_grid, tune_grid
from sbrcli.workflow.tuning.request import TuneRequest
from tests.builders import make_run
from tests.chains import make_workspace

REQUEST = TuneRequest(dataset=None, explicit={"epochs": 2})
VALUES = GridRequest(["hsz=4,5,6"])


@pytest.fixture
def workspace(tmp_path):
    return make_workspace(tmp_path / "work")


@pytest.fixture
def trained(monkeypatch):
    """Train nothing: a run's mrr@20 on valid is its number of units, as a percentage."""
    done = []

    def train(workspace, job, validate, on_event, *, resume):
        done.append((job.config.hsz[0], resume))
        if job.config.hsz[0] == 5:
            raise TrainingError("the loss is nan")
        if workspace.find("run", job.name) is None:
            make_run(workspace.root, name=job.name)

    def trial_of(run, begun):
        mrr = begun.options["hsz"] / 100
        found = {"valid_mrr": mrr, "metrics": {"mrr@20": mrr}, "seconds": 2.0}
        return replace(begun, state="complete", **found)

    monkeypatch.setattr(grid, "train", train)
    monkeypatch.setattr(grid, "_trial_of_run", trial_of)
    monkeypatch.setattr("sbrcli.models.training.backend.release_memory", lambda: None)
    return done


def test_a_run_that_diverges_does_not_end_the_grid(workspace, trained):
    events = []
    found = tune_grid(workspace, REQUEST, VALUES, SILENT, events.append)
    assert [one.state for one in found.trials] == ["complete", "failed", "complete"]
    assert (found.trials[1].error, found.trials[1].run) == ("the loss is nan", None)
    assert found.best == found.trials[2]
    assert found.command == "sbr train --dataset user --hsz 6 --epochs 2"
    ended = [event for event in events if isinstance(event, TrialEnded)]
    assert [event.best.number for event in ended] == [1, 1, 3]


def test_the_time_limit_ends_a_grid_between_two_runs_and_the_same_command_goes_on(
    workspace, trained
):
    limited = replace(REQUEST, config=TuneConfig(time_limit=1e-9))
    assert [one.number for one in tune_grid(workspace, limited, VALUES, SILENT).trials] == [1]
    assert len(tune_grid(workspace, REQUEST, VALUES, SILENT).trials) == 3


def test_a_run_that_was_begun_is_resumed(workspace, trained):
    second = plan_grid(workspace, REQUEST, GridRequest(["hsz=4,6"]), SILENT)[1]
    begin_run(workspace, second.job)
    tune_grid(workspace, REQUEST, GridRequest(["hsz=4"]), SILENT)
    assert trained == [(4, False)]
    with pytest.raises(ArtefactError):
        tune_grid(workspace, REQUEST, GridRequest(["hsz=6"]), SILENT)
    assert trained[1] == (6, True)


def test_a_grid_of_failures_alone_is_an_error(workspace, trained):
    with pytest.raises(TrainingError) as caught:
        tune_grid(workspace, REQUEST, GridRequest(["hsz=5"]), SILENT)
    assert str(caught.value) == "no trial is complete: 1 failed, the first with: the loss is nan"


def test_every_combination_is_checked_before_the_first_is_trained(workspace, trained):
    values = GridRequest(["optimizer=adagrad,adam", "momentum=0,0.3"])
    with pytest.raises(ConfigError, match="momentum goes with --optimizer adagrad alone"):
        tune_grid(workspace, REQUEST, values, SILENT)
    assert trained == []
