"""A Dask cluster for the tests of a module; only those that ask for it import Dask."""

from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two worker processes over tcp."""
    from tests.engines.dask_cluster import cluster_of

    with cluster_of(2) as cluster:
        yield cluster


@pytest.fixture
def address(cluster: Any) -> str:
    """The address of the scheduler, once both workers run."""
    cluster.wait_for_workers(2, timeout=600)  # one that a test has killed comes back
    return cluster.scheduler_address
