"""What a Dask worker runs besides kernels."""

from collections.abc import Sequence
from typing import Any

from sbrcli.engines.task import HeldValues


def hold(shared: HeldValues) -> HeldValues:
    """Return what all parts share; each worker then has it once."""
    return shared


def are_running(keys: Sequence[str], dask_worker: Any) -> bool:
    """Return whether a worker runs one of these tasks, cancelled or not."""
    return any(task.key in keys for task in list(dask_worker.state.all_running_tasks))
