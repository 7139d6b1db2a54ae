"""What tests of a training may use, here as well."""

from tests.models.conftest import (  # noqa: F401
    steps_traced_again,
    steps_traced_from_the_start,
    with_xla,
)
