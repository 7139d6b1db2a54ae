"""The counters of a worker."""

from pathlib import Path

import pytest

from sbrcli.serve.metrics import FOLDER_VARIABLE, Metrics


def test_two_workers_of_one_process_have_counters_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    first, second = Metrics(), Metrics()
    for metrics in (first, second):
        metrics.name_run("a run")
        metrics.count_request("recommend", 200, 0.002)
