"""Random sessions for property tests."""

from itertools import pairwise

import numpy as np
from hypothesis import strategies as st

from sbrcli.sessions import Sessions

BLOCKS = st.sampled_from([1, 7, 10**6])
"""Events in a block: each session alone, a few of them, all."""


@st.composite
def any_sessions(draw: st.DrawFn, *, most_items: int = 6) -> Sessions:
    """Draw sessions with repeated items and tied times; some empty, some with targets."""
    lengths = draw(st.lists(st.integers(0, 9), min_size=1, max_size=12))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    num_events = int(offsets[-1])
    times = rng.integers(0, 20, num_events)
    for begin, end in pairwise(offsets):
        times[begin:end].sort()
    targets = rng.random(num_events) < 0.5
    targets[offsets[:-1][np.diff(offsets) > 0]] = False
    return Sessions(
        rng.integers(0, most_items, num_events).astype(np.int32),
        offsets,
        times.astype(draw(st.sampled_from([np.int64, np.float64]))),
        targets if draw(st.booleans()) else None,
    )


def require_equal(found: Sessions, expected: Sessions) -> None:
    """Assert that sessions are the same, array by array."""
    np.testing.assert_array_equal(found.item_indices, expected.item_indices, strict=True)
    np.testing.assert_array_equal(found.offsets, expected.offsets, strict=True)
    np.testing.assert_array_equal(found.timestamps, expected.timestamps, strict=True)
    assert (found.targets is None) == (expected.targets is None)
    if found.targets is not None and expected.targets is not None:
        np.testing.assert_array_equal(found.targets, expected.targets, strict=True)
