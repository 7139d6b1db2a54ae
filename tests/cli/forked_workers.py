"""`sbr`, whose worker processes are forked, and die or press Ctrl-C at a given moment.

python -m tests.cli.forked_workers MOMENTS WORD...

MOMENTS is a list such as "1:3,0:5": worker 1 is killed with SIGKILL after its third call of the
graph, and after the restart worker 0 after its fifth. "c:2" presses Ctrl-C in the process that
started the workers when it hears of the second call, and the chief waits for that. "-" stands for
none. WORDs are those of `sbr`.
"""

import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from sbrcli.cli.app import run
from sbrcli.cli.training_progress import TrainingProgress
from sbrcli.models.training import fit
from sbrcli.models.training.events import StepsDone
from sbrcli.workflow import launch

PAIRS_PER_CALL = 64
STARTS = Path("starts")


def main(moments: str, *words: str) -> int:
    launch.START_METHOD = "fork"
    fit.PAIRS_PER_CALL = PAIRS_PER_CALL
    fatal = [] if moments == "-" else [one.split(":") for one in moments.split(",")]
    work, train_steps, show = launch.work, fit.EpochLoop._train_steps, TrainingProgress.show
    heard = 0

    def work_and_die(pipe: Any, request: Any, cluster: Any) -> None:
        # Nothing but the pipe tells the processes of two starts apart.
        number = len(list(STARTS.glob(f"{cluster.index}-*")))
        STARTS.mkdir(exist_ok=True)
        Path(STARTS, f"{cluster.index}-{number}").write_text(str(os.getpid()))
        calls, kill, is_asked = 0, os.kill, threading.Event()

        def kill_and_tell(pid: int, sign: int) -> None:
            kill(pid, sign)
            is_asked.set()

        def train_some(loop: Any, num_done: int) -> int:
            nonlocal calls
            done, calls = train_steps(loop, num_done), calls + 1
            if fatal[number : number + 1] == [[str(cluster.index), str(calls)]]:
                kill(os.getpid(), signal.SIGKILL)
            if cluster.is_chief and ["c", str(calls)] in fatal:
                assert is_asked.wait(120)
            return done

        os.kill = kill_and_tell
        fit.EpochLoop._train_steps = train_some
        work(pipe, request, cluster)

    def show_and_press(bars: Any, event: Any) -> None:
        nonlocal heard
        show(bars, event)
        heard += isinstance(event, StepsDone)
        if ["c", str(heard)] in fatal and isinstance(event, StepsDone):
            os.kill(os.getpid(), signal.SIGINT)

    launch.work = work_and_die
    TrainingProgress.show = show_and_press
    return run(list(words))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
