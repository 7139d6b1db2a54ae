"""What tests of a training may use."""

from collections.abc import Iterator

import pytest

from sbrcli.models.gru4rec import step


@pytest.fixture(scope="module")
def without_xla() -> Iterator[None]:
    """Train without XLA, which takes half of a small network's time.

    For tests of what is written and when, not of the numbers.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(step, "compiles_with_xla", lambda: False)
        yield
