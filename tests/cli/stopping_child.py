"""`sbr`, but that it stops dead at one moment, says so by a file, and waits to be killed.

python -m tests.cli.stopping_child MOMENT TIMES WORD...

MOMENT is the type of an event of training, EpochStarted or StepsDone, or the end of a file's path,
which is then left with half of its bytes written; TIMES says at which of these moments. WORDs are
those of `sbr`.
"""

import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from sbrcli.artefacts import manifests, tensor_file
from sbrcli.cli.app import run
from sbrcli.cli.training_progress import TrainingProgress
from sbrcli.workflow import training_phases as training

PAIRS_PER_CALL = 64
"""So few that an epoch has several calls, between which its place is saved."""


class Stop:
    """Stops at the TIMES-th moment of a kind."""

    def __init__(self, moment: str, times: int) -> None:
        self.moment, self.left = moment, times

    def comes(self, moment: str) -> bool:
        """Tell whether it is to be now."""
        self.left -= moment.endswith(self.moment)
        return self.left == 0 and moment.endswith(self.moment)

    def stop(self) -> None:
        """Wait to be killed."""
        Path("stopped").touch()
        time.sleep(600)


def main(moment: str, times: str, *words: str) -> int:
    stop = Stop(moment, int(times))
    show, write = TrainingProgress.show, manifests.write_parts_atomically
    start = training.start_tensorflow

    def start_with_short_calls(*options: Any) -> None:
        start(*options)
        from sbrcli.models.training import fit

        fit.PAIRS_PER_CALL = PAIRS_PER_CALL

    def show_and_stop(bars: Any, event: Any) -> None:
        show(bars, event)
        if stop.comes(type(event).__name__):
            stop.stop()

    def write_and_stop(path: Path, parts: Iterable[bytes | memoryview], *finish: Any) -> None:
        is_now = stop.comes(str(path))

        def halves() -> Iterator[bytes | memoryview]:
            for part in parts:
                if is_now and len(part) > 8:
                    yield part[: len(part) // 2]
                    stop.stop()
                yield part

        write(path, halves(), *finish)

    training.start_tensorflow = start_with_short_calls
    TrainingProgress.show = show_and_stop
    manifests.write_parts_atomically = write_and_stop
    tensor_file.write_parts_atomically = write_and_stop
    return run(list(words))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
