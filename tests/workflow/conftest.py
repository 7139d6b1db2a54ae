"""What tests of use cases share."""

import pytest

from sbrcli.engines.memory import Room
from tests.engines.dask_fixtures import address, cluster  # noqa: F401
from tests.models.conftest import (  # noqa: F401
    steps_traced_again,
    steps_traced_from_the_start,
    with_xla,
)


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read in batches of a few hundred events."""
    monkeypatch.setattr(Room, "batch_bytes", property(lambda _: 10_000))
