"""Measure a network on the valid split after each epoch, in one process or in several."""

from collections.abc import Callable
from typing import Any

from sbrcli.evaluation.validation import Part
from sbrcli.models.scorer import Scorer
from sbrcli.reporter import Advance, ignore_progress
from sbrcli.sessions import Sessions

Validate = Callable[..., dict[str, float]]
"""Called with the model, the valid split, and a function that takes the number of targets ranked;
by several processes also with the `Part` of each, as `sbrcli.evaluation.validation.validate`."""


def measure_on(
    valid: Sessions | None, validate: Validate, team: Any, advance: Advance = ignore_progress
) -> dict[str, Any]:
    """Return the settings of a training loop that let it validate: `validate` and `num_valid`.

    Args:
        valid: the valid split, if there is one.
        validate: returns the metrics.
        team: the `Team` whose processes divide the sessions; None if this one is alone.
        advance: called with the number of targets that this process has just ranked.
    """
    if valid is None:
        return {"validate": None, "num_valid": 0}
    if team is None:
        how, num_targets = (), valid.num_targets
    else:
        part = Part(team.process, team.num_processes, team.merged)
        how, num_targets = (part,), valid.only(part.choose(valid)).num_targets

    def measure(scorer: Scorer) -> dict[str, float]:
        return validate(scorer, valid, advance, *how)

    return {"validate": measure, "num_valid": num_targets}
