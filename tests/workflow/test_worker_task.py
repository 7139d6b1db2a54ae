"""Workers that were not started alike are refused."""

from dataclasses import replace

import pytest

from sbrcli.errors import ConfigError
from sbrcli.models.configuration import configure_training
from sbrcli.workflow.training_job import make_job
from sbrcli.workflow.worker_task import WorkerTask
from tests.chains import make_workspace


def test_a_worker_with_other_options_or_another_dataset_is_refused(tmp_path):
    workspace = make_workspace(tmp_path / "work")
    config = configure_training({"epochs": 2}, None)
    job = make_job(workspace, None, config, "run")
    task = WorkerTask.of(job, replace(config, precision="float32"), "fit", None)
    assert (task.precision, task.n_sample) == ("float32", config.n_sample)
    task.require_same(job)
    other = make_job(workspace, None, replace(config, seed=2), "run")
    with pytest.raises(ConfigError) as refused:
        task.require_same(other)
    assert str(refused.value) == ("this worker and the chief have been started with another config")
    assert refused.value.hint == "start all workers with the same options, on the same dataset"
    with pytest.raises(ConfigError, match=r"another parent$"):
        task.require_same(replace(job, parent={"run": "x", "weights": "y"}))
