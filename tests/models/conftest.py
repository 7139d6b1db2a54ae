"""What tests of a training may use."""

import sys
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="session")
def steps_traced_from_the_start() -> None:
    """Trace each network once, also where no command has started TensorFlow."""
    if "tensorflow" in sys.modules:
        from tests import traced_steps

        traced_steps.install()


@pytest.fixture
def steps_traced_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trace each step, as where each training is a process of its own."""
    from sbrcli.models.training import fit
    from sbrcli.models.training.step import TrainingStep

    monkeypatch.setattr(fit, "TrainingStep", TrainingStep)


@pytest.fixture
def with_xla() -> Iterator[None]:
    """Train as users do, in tests of the numbers."""
    from sbrcli.models.training import backend
    from tests import traced_steps

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backend, "compiles_with_xla", traced_steps.compiles_with_xla)
        traced_steps.use_grappler(True)
        yield
        traced_steps.use_grappler(False)
