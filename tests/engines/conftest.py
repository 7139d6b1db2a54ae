"""What the tests of engines share."""

from tests.engines.dask_fixtures import address, cluster  # noqa: F401
