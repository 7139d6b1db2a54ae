"""Suggest the gap after which a session ends, from the gaps between a user's events."""

import numpy as np

# One bin per doubling. A session neither ends after less than a minute nor after more than a day
# and a half: 2**6 = 64 s, 2**17 = 36 h.
_SHORTEST_BIN, _LONGEST_BIN = 6, 17
_MAX_BIN = 40
_MIN_IN_A_HUMP = 20
_DEEP_ENOUGH = 0.5
_ROUND_SECONDS = np.array(
    [60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10_800, 14_400, 21_600, 43_200, 86_400]
)


def count_gaps(gaps: np.ndarray) -> np.ndarray:
    """Count gaps by their logarithm, one bin per doubling; counts of several logs add up."""
    positive = gaps[gaps > 0]
    bins = np.clip(np.rint(np.log2(positive)), 0, _MAX_BIN).astype(np.int64)
    return np.bincount(bins, minlength=_MAX_BIN + 1)


def suggest_gap(gaps: np.ndarray) -> int | None:
    """Return the gap that counted gaps suggest; see `suggest_gap_by`.

    Args:
        gaps: seconds between consecutive events of a user.
    """
    return suggest_gap_by(count_gaps(gaps))


def suggest_gap_by(counts: np.ndarray) -> int | None:
    """Return the valley between short gaps, within a visit, and long ones, between visits.

    The gaps are counted by their logarithm, one bin per doubling. A bin's depth is its count as a
    share of the lower of the highest bins to its left and right; the deepest bin from one minute to
    a day and a half is the valley. It needs at most half the count of the lower hump, and that hump
    at least 20 gaps. Gaps of 0 s are left out.

        bins (2**n s)   4   6   8  10  12  14  16  18  20
        counts         90  99  40   9   4   2   8  20  12      valley at 2**14 = 16,384 s: 2 / 20

    Args:
        counts: as `count_gaps` returns them.

    Returns:
        The valley's seconds, rounded to a common figure (16,384 to 14,400); None if there is no
        valley.
    """
    left = np.maximum.accumulate(counts)
    right = np.maximum.accumulate(counts[::-1])[::-1]
    candidates = np.arange(_SHORTEST_BIN, _LONGEST_BIN + 1)
    lower_hump = np.minimum(left[candidates - 1], right[candidates + 1])
    depth = counts[candidates] / np.maximum(lower_hump, 1)
    depth[lower_hump < _MIN_IN_A_HUMP] = np.inf
    deepest = int(depth.argmin())
    if depth[deepest] > _DEEP_ENOUGH:
        return None
    # Take the middle one of equally deep neighbouring bins.
    valley = candidates[depth == depth[deepest]].mean()
    return int(_ROUND_SECONDS[np.abs(np.log2(_ROUND_SECONDS) - valley).argmin()])
