"""The terms of repeats by a loop over the session."""

from collections.abc import Sequence

import numpy as np

from sbrcli.models.repeats.ages import AGES

TERMS = np.array([-3.0, 1.5, 0.25, -0.75, 2.0, -1.25], np.float32)


def age_of(session: Sequence[int], item: int) -> int | None:
    """Count the events since an item occurred last in a session, from 0; None if never."""
    for age, other in enumerate(reversed(session)):
        if other == item:
            return min(age, AGES - 1)
    return None


def ages_of(session: Sequence[int]) -> dict[int, int]:
    """Find the age of each item of a session."""
    return {item: age for item in session if (age := age_of(session, item)) is not None}


def with_terms(scores: np.ndarray, session: Sequence[int], terms: np.ndarray) -> np.ndarray:
    """Add the terms to the scores of what follows a session, (num_items,)."""
    return scores + np.array(
        [
            0.0 if (age := age_of(session, item)) is None else terms[age]
            for item in range(len(scores))
        ]
    )
