"""What tests of a training may use."""

from collections.abc import Iterator

import pytest

from sbrcli.models.gru4rec import step
from sbrcli.models.training import loop
from tests import traced_steps


@pytest.fixture(autouse=True, scope="session")
def steps_traced_from_the_start() -> None:
    """Trace each network once, also where no command has started TensorFlow."""
    traced_steps.install()


@pytest.fixture
def steps_traced_again(steps_traced_from_the_start: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trace each step, as where each training is a process of its own."""
    monkeypatch.setattr(loop, "TrainingStep", step.TrainingStep)


@pytest.fixture
def with_xla(steps_traced_from_the_start: None) -> Iterator[None]:
    """Train as users do, in tests of the numbers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(step, "compiles_with_xla", traced_steps.compiles_with_xla)
        yield
