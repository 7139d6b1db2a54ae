"""`sbr` as a process of its own, started by a shell so that its streams can be anything."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

from sbrcli.cli import app
from tests import warm
from tests.conftest import Said

ROOT = Path(app.__file__).parents[2]
SBR = shlex.join([sys.executable, "-m", "sbrcli"])


def shell(command: str, *, is_warm: bool = False) -> Said:
    """Run a line of bash in which `sbr` is the command; the exit code is the last one's.

    Args:
        command: the line.
        is_warm: `sbr` has loaded all its modules already, and TensorFlow too.
    """
    words = SBR
    if is_warm:
        words = shlex.join([sys.executable, "-IS", warm.__file__, warm.start_server(), "sbrcli"])
    script = f'set -o pipefail\nsbr() {{ {words} "$@"; }}\n{command}'
    # Where files may not grow, CPython 3.11 leaves half a compiled module, on which all stumble.
    env = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    env.pop("PYTHONUNBUFFERED", None)  # with it, errors of writing come earlier than for users
    done = subprocess.run(
        ["bash", "-c", script], env=env, capture_output=True, text=True, check=False, timeout=120
    )
    return Said(done.stdout, done.stderr, done.returncode)
