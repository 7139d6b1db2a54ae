"""A training that an older version of sbr left interrupted goes on with this one.

`interrupted_run/` holds what version 0.1.0 wrote before datasets had format 2: a log of 60 made-up
sessions over five items, prepared, and `sbr train --hsz 4 --batch-size 2 --bptt 8 --epochs 4
--precision float32 --threads 1`, stopped by Ctrl-C after two epochs.
"""

import csv
import json
from pathlib import Path
from shutil import copytree

import pytest

LOSSES = [1.5213, 0.9640, 0.8373, 0.7590]
"""What the older version printed for the same training without an interruption."""


def test_an_interrupted_run_of_an_older_version_is_resumed_to_the_end(sbr):
    copytree(Path(__file__).with_name("interrupted_run"), "sbr-work")
    run = Path("sbr-work", "runs", "stopped")
    assert json.loads((run / "manifest.json").read_text())["status"] == "training"

    resumed = sbr("train", "--resume")
    assert resumed.code == 0, resumed.stderr
    assert "resumed at epoch 3/4" in resumed.stderr
    assert json.loads((run / "manifest.json").read_text())["status"] == "complete"
    with (run / "history.csv").open(newline="") as lines:
        losses = [float(row["loss"]) for row in csv.DictReader(lines)]
    assert losses == pytest.approx(LOSSES, rel=0.01)
    assert sbr("recommend", "--items", "a", "-k", "1", "--json").code == 0
