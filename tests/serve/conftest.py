"""One service for the tests that do not end or change it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from sbrcli.models.gru4rec.weights import GruShape
from tests.builders import make_run
from tests.serve.served import Served, serving

IDS = [str(10 * number) for number in range(1, 41)]
TITLES = [f"Film {number} (19{number:02})" for number in range(1, 41)]


def make_films(workdir: Path, name: str = "films", seed: int = 1) -> Path:
    """Make a run of 40 films; their ids are 10 to 400."""
    shape = GruShape(40, (8,), "shared")
    rng = np.random.default_rng(seed)
    weights = {
        key: rng.normal(0, 0.5, sizes).astype(np.float32)
        for key, sizes in shape.weight_shapes().items()
    }
    counts = np.arange(100, 60, -1)
    return make_run(
        workdir, name=name, ids=IDS, titles=TITLES, shape=shape, weights=weights, train_count=counts
    )


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A work directory with a run of films."""
    workdir = tmp_path_factory.mktemp("films") / "work"
    make_films(workdir)
    return workdir


@pytest.fixture(scope="module")
def served(films: Path) -> Iterator[Served]:
    """A service of two workers, which stays as it is."""
    with serving(films, "--workers", 2, "--log-requests", "--max-body", 5000) as service:
        yield service
