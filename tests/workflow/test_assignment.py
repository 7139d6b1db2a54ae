"""What is to be trained: how long a dataset's sessions are decides some of the defaults."""

import json
from pathlib import Path

import pytest

from sbrcli.artefacts.manifests import MANIFEST
from sbrcli.artefacts.run import Run
from sbrcli.artefacts.workspace import Workspace
from sbrcli.errors import ArtefactError
from sbrcli.models.configuration import configure_training
from sbrcli.workflow.train_result import describe_run, plan_training
from sbrcli.workflow.training_job import make_job, mean_session_length
from tests.builders import TrainConfig, run_manifest
from tests.chains import make_workspace

LONG, SHORT = TrainConfig(hsz=(5,)), TrainConfig(hsz=(6,))


def workspace_of(folder: Path, events: int, sessions: int) -> Workspace:
    """Make a dataset whose manifest tells so many events and sessions in train."""
    workspace = make_workspace(folder)
    path = workspace.open("dataset").path / MANIFEST
    manifest = json.loads(path.read_text())
    manifest["splits"]["train"] |= {"events": events, "sessions": sessions}
    path.write_text(json.dumps(manifest))
    return workspace


@pytest.mark.parametrize(
    ("events", "chosen", "judged"),
    [(1999, SHORT, "20.0, short"), (2000, LONG, "20.0, long")],
)
def test_sessions_of_fewer_than_20_events_on_average_are_short(tmp_path, events, chosen, judged):
    workspace = workspace_of(tmp_path, events, sessions=100)
    job = make_job(workspace, None, LONG, None, SHORT)
    assert mean_session_length(job.dataset) == events / 100
    assert job.config == chosen
    assert plan_training(job).plan["session_length"] == judged


@pytest.mark.parametrize("short", [True, False])
def test_a_run_is_named_by_what_is_not_the_default_of_its_sessions(tmp_path, short):
    workspace = workspace_of(tmp_path, events=500 if short else 5000, sessions=100)

    def name(**given: object) -> str:
        both = [configure_training(given, None, short_sessions=each) for each in (False, True)]
        return make_job(workspace, None, both[0], None, both[1]).name

    assert name() == "user-1x100"
    assert name(batch_size=64 if short else 32) == "user-1x100"
    assert name(batch_size=32 if short else 64).startswith("user-1x100-")


@pytest.mark.parametrize(
    ("manifest", "lacking"),
    [
        ({}, "epochs"),
        ({"epochs": []}, "best_epoch"),
    ],
)
def test_what_the_manifest_of_a_run_lacks_is_named(manifest, lacking):
    with pytest.raises(ArtefactError) as caught:
        describe_run(Run.from_document(Path("mine"), run_manifest(**manifest)))
    assert str(caught.value) == f"the manifest of run mine lacks {lacking}"
    assert caught.value.hint == "train the run again with --overwrite"


def test_without_an_alternative_the_configuration_holds_for_all(tmp_path):
    assert make_job(workspace_of(tmp_path, 200, 100), None, LONG, None).config == LONG
