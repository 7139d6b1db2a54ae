"""One progress over the stages of work on a log in parts, each with its share of the whole."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from sbrcli.reporter import Advance, Reporter

_USUAL_END = 0.8
"""What a stage of unknown length shows as done after its usual number of steps."""


class Stages:
    """A progress that runs through stages in order, and only ever forward.

    Args:
        advance: of the progress.
        total: its number of units.
        shares: of the stages, in order; together they are the whole, whatever their sum.
    """

    def __init__(self, advance: Advance, total: int, shares: Mapping[str, float]) -> None:
        self._advance = advance
        self._total = total
        self._done = 0
        self._spans: dict[str, tuple[float, float]] = {}
        whole, begin = sum(shares.values()), 0.0
        for name, share in shares.items():
            self._spans[name] = begin / whole, (begin + share) / whole
            begin += share

    @contextmanager
    def stage(
        self, name: str, steps: int, *, is_open: bool = False
    ) -> Iterator[Callable[[int], None]]:
        """Run a stage; the value of the context is called with the number of steps just done.

        The stage is complete when its body ends, however many steps were counted.

        Args:
            name: of the stage.
            steps: their number, which may be an estimate.
            is_open: whether there may be many more steps: the last fifth of the stage is then
                approached, and never passed.
        """
        begin, end = self._spans[name]
        done = 0

        def step(count: int) -> None:
            nonlocal done
            done += count
            share = done / max(1, steps)
            share = _approach(share) if is_open else min(share, 1.0)
            self._move(begin + (end - begin) * share, name)

        self._move(begin, name)
        yield step
        self._move(end, name)

    def _move(self, share: float, stage: str) -> None:
        """Move forward to a share of the whole."""
        done = max(self._done, round(self._total * share))
        self._advance(done - self._done, stage=stage)
        self._done = done


@contextmanager
def in_stages(
    reporter: Reporter, description: str, num_events: int, shares: Mapping[str, float]
) -> Iterator[Stages]:
    """Show one progress for several stages; an event counts in proportion to what is done.

    Args:
        reporter: receives the progress.
        description: of the whole work.
        num_events: about how many the log has.
        shares: of the stages, in order.
    """
    with reporter.progress(num_events, "events", description) as advance:
        yield Stages(advance, num_events, shares)


def divide_among(
    shares: Mapping[str, float], processes: int, alone: str = "read"
) -> dict[str, float]:
    """Return the shares of the time that follow from those of CPU time.

    Args:
        shares: of CPU time, by stage.
        processes: work on every stage but one.
        alone: the stage that one process works on.
    """
    return {name: share if name == alone else share / processes for name, share in shares.items()}


def _approach(share: float) -> float:
    """Return a share below 1 that only grows: 0.4 of 0.5, 0.8 of 1, 0.9 of 2, 0.95 of 4."""
    return _USUAL_END * share if share <= 1 else 1 - (1 - _USUAL_END) / share
