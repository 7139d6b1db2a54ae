"""README's walk through MovieLens 1M shows what sbr prints of the log and of the dataset."""

import re
import shlex
from pathlib import Path

import pytest

from tests.guide_reference import README

WALK = README.read_text(encoding="utf-8").partition("\n## A walk")[2].partition("\n## ")[0]
SHOWN = dict(re.findall(r"```console\n\$ (sbr .*)\n((?:.*\n)*?)```", WALK))


@pytest.fixture(autouse=True)
def at_88_columns(monkeypatch: pytest.MonkeyPatch, ml_1m: Path) -> None:
    monkeypatch.setenv("COLUMNS", "88")
    Path("ml-1m").symlink_to(ml_1m.parent)


@pytest.mark.parametrize("name", ["stats", "preprocess"])
def test_the_walk_shows_what_sbr_prints(sbr, name):
    (command,) = [line for line in SHOWN if line.startswith(f"sbr {name} ")]
    said = sbr(*shlex.split(command)[1:], terminal=True)
    assert said.code == 0
    tables = "\n".join(line.rstrip() for line in said.stdout.splitlines()).strip("\n")
    before, found, after = SHOWN[command].partition(tables)
    assert found
    assert f"{before} {after}".split() == said.stderr.split()
