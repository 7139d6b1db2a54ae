"""Two devices of one process train as one does, and stop and go on as one does."""

import json
from typing import Any

import numpy as np
import pytest

from tests.warm import WarmProcess


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("two")
    process = WarmProcess("tests.models.training.two_devices", str(folder))
    stdout, stderr = process.communicate(timeout=300)
    assert process.returncode == 0, stderr
    return json.loads(stdout)


def require_close(found: dict[str, Any], expected: dict[str, Any]) -> None:
    np.testing.assert_allclose(found["losses"], expected["losses"], rtol=1e-5)
    assert len(expected["losses"]) == 2
    for name, values in expected["weights"][0].items():
        np.testing.assert_allclose(found["weights"][0][name], values, atol=1e-5, err_msg=name)


def test_two_devices_train_as_one(trained):
    require_close(trained["team"], trained["alone"])


def test_the_devices_hold_the_same_weights(trained):
    first, second = trained["team"]["weights"]
    assert first == second


def test_a_stopped_team_goes_on_as_if_it_had_not_been_stopped(trained):
    assert trained["team resumed"] == trained["team"]


def test_one_process_goes_on_where_a_team_was_stopped(trained):
    require_close(trained["alone resumed"], trained["alone"])
