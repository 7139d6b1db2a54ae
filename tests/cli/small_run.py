"""A run that is trained in a moment, and what lies in its folder."""

import json
from pathlib import Path

SMALL = ("--hsz", 4, "--batch-size", 4, "--bptt", 4, "--epochs", 2)
RUN = Path("sbr-work", "runs", "run")
NAME = ("--name", "run")


def weights() -> bytes:
    return (RUN / "weights.safetensors").read_bytes()


def manifest() -> dict:
    return json.loads((RUN / "manifest.json").read_text())
