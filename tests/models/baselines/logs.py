"""Random sessions, and what a scorer says of every event of them."""

import numpy as np

from sbrcli.models.scorer import Scorer
from sbrcli.sessions import Sessions
from tests.builders import make_sessions


def random_log(seed: int, *, sessions: int, num_items: int, longest: int = 8) -> list[list[int]]:
    """Sessions of 2 to `longest` events, some items often; items may come again."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(2, longest + 1, sessions)
    return [(num_items * rng.random(n) ** 2).astype(int).tolist() for n in lengths]


def scores_by_position(scorer: Scorer, sessions: Sessions) -> dict[int, np.ndarray]:
    """Collect the scores of what follows each position."""
    return {
        position: row.copy()
        for positions, rows in scorer.score_sessions(sessions)
        for position, row in zip(positions.tolist(), rows, strict=True)
    }


def assert_scores_like(scorer: Scorer, log: list[list[int]], literal) -> None:
    """Compare a scorer with a function of the session so far, at every event."""
    found = scores_by_position(scorer, make_sessions(*log))
    position = 0
    for session in log:
        for length in range(1, len(session)):
            expected = literal(session[:length])
            np.testing.assert_allclose(found.pop(position), expected, rtol=1e-5, atol=1e-9)
            np.testing.assert_allclose(
                scorer.score_next(np.array(session[:length])), expected, rtol=1e-5, atol=1e-9
            )
            position += 1
        position += 1
    assert not found
