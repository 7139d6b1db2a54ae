"""The targets that the source notebook's loader reached."""

import numpy as np
import numpy.typing as npt

from sbrcli.errors import DataError
from sbrcli.sessions import Sessions

BoolArray = npt.NDArray[np.bool_]

NOTEBOOK_LANES = 64


def notebook_targets(sessions: Sessions, lanes: int = NOTEBOOK_LANES) -> tuple[BoolArray, int]:
    """Mark the targets that the source notebook's loader reached, and count its steps.

    The loader advances the first `lanes` sessions in parallel, one step at a time. A lane whose
    session has ended continues with the next unused session. As soon as no session is left, the
    loader stops, even if other lanes have events left:

        sessions of 4, 2, 3 events in 2 lanes
        lane 0:  a0>a1  a1>a2  a2>a3
        lane 1:  b0>b1  c0>c1  c1>c2        b ends at step 1, c takes its place; both end at step 3

    Had c 2 events, the loader would stop after step 2, and a2>a3 would never be scored.

    Returns:
        (events,) true for each target that was reached, and the number of steps.

    Raises:
        DataError: there are fewer sessions than lanes.
    """
    count = sessions.num_sessions
    if count < lanes:
        raise DataError(
            f"the source notebook's loader needs {lanes} sessions, and the split has {count}",
            hint="leave --notebook-coverage out",
        )
    covered = np.zeros(len(sessions.item_indices), np.bool_)
    places, ends = sessions.offsets[:lanes].copy(), sessions.offsets[1 : lanes + 1].copy()
    begun, steps = lanes, 0
    while True:
        together = int((ends - places).min()) - 1  # steps until the first lane ends
        for place in places:
            covered[place + 1 : place + 1 + together] = True
        places, steps = places + together, steps + together
        for lane in np.flatnonzero(ends - places == 1):
            if begun == count:
                return covered, steps
            places[lane], ends[lane] = sessions.offsets[begun : begun + 2]
            begun += 1
