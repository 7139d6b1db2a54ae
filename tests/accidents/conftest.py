"""A small run, trained once and copied for each test."""

import json
from functools import cache
from pathlib import Path
from shutil import copytree
from tempfile import mkdtemp

import pytest

from tests.accidents.processes import shell
from tests.chains import make_workspace


@cache
def _trained() -> Path:
    root = Path(mkdtemp(prefix="sbr-accidents-"))
    make_workspace(root)
    words = "train --name run --hsz 4 --batch-size 4 --bptt 4 --epochs 1 --quiet"
    assert shell(f"sbr {words} --workdir {root}", is_warm=True).code == 0
    return root


@cache
def _evaluated() -> Path:
    root = Path(mkdtemp(prefix="sbr-accidents-")) / "sbr-work"
    copytree(_trained(), root)
    assert shell(f"sbr evaluate --hybrid --quiet --workdir {root}", is_warm=True).code == 0
    tuned = {"options": {"markov": "steps=2,decay=div"}}
    (root / "runs" / "run" / "baselines.json").write_text(json.dumps(tuned))
    return root


@pytest.fixture
def evaluated(tmp_path: Path) -> Path:
    """Give such a run with all that can lie in the folder of one."""
    copytree(_evaluated(), tmp_path / "sbr-work")
    return Path("sbr-work", "runs", "run")


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    """Give the folder of a small run, `run`, on the dataset `user`, in the work directory."""
    copytree(_trained(), tmp_path / "sbr-work")
    return Path("sbr-work", "runs", "run")
