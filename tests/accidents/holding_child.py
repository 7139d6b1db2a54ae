"""`sbr`, but that it waits where it holds its first lock: to be seen there, and let go on.

python -m tests.accidents.holding_child LABEL WORD...

It says by the file LABEL.held that it holds a lock, and waits for LABEL.go; by LABEL.waits it says
that another process holds the lock. WORDs are those of `sbr`.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sbrcli.artefacts import staging
from sbrcli.artefacts.workspace import Workspace
from sbrcli.cli import app


def main(label: str, *words: str) -> None:
    locked, try_lock = Workspace.locked, staging.try_lock

    @contextmanager
    def held(self: Workspace, *what: Any, **how: Any) -> Iterator[None]:
        with locked(self, *what, **how):
            Path(f"{label}.held").touch()
            while not Path(f"{label}.go").exists():
                time.sleep(0.01)
            yield

    def noted(descriptor: int) -> bool:
        is_ours = try_lock(descriptor)
        if not is_ours:
            Path(f"{label}.waits").touch()
        return is_ours

    Workspace.locked = held
    staging.try_lock = noted
    app.main(list(words))


if __name__ == "__main__":
    main(*sys.argv[1:])
