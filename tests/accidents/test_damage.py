"""Each file of a dataset and a run, damaged in each way: one clear line and exit code 5."""

import json
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Said

RUN, DATASET = Path("sbr-work", "runs", "run"), Path("sbr-work", "datasets", "user")

READ_BY: dict[Path, tuple[str, ...]] = {
    RUN / "manifest.json": ("evaluate --run run", "recommend --run run --items 1"),
    RUN / "items.safetensors": ("recommend --items 1",),
    RUN / "weights.safetensors": ("evaluate", "recommend --items 1"),
    DATASET / "manifest.json": ("evaluate", "train --name other --dataset user"),
    DATASET / "items.parquet": ("train --name other",),
    DATASET / "train.parquet": ("train --name other",),
    DATASET / "test.parquet": ("evaluate",),
}


def huge_header(_content: bytes) -> bytes:
    """Promise a tensor of a million million numbers, and hold none of them."""
    tensor = {"dtype": "F32", "shape": [10**12], "data_offsets": [0, 4 * 10**12]}
    text = json.dumps({"output/table": tensor}).encode()
    return struct.pack("<Q", len(text)) + text


def huge_length(_content: bytes) -> bytes:
    return struct.pack("<Q", 10**12) + b"{}"


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "half": lambda content: content[: len(content) // 2],
    "garbage": lambda content: bytes(range(256)) * (len(content) // 256 + 1),
    "huge header": huge_header,
    "huge length": huge_length,
}


def require_one_clear_line(said: Said, path: Path) -> None:
    assert (said.code, said.stdout) == (5, "")
    error, hint = said.stderr.splitlines()
    assert error.startswith(f"error: {path} is damaged: ")
    assert hint.startswith("hint: ")


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("path", READ_BY, ids=str)
def test_a_damaged_file_is_one_clear_line(trained, sbr, path, damage):
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    for words in READ_BY[path]:
        require_one_clear_line(sbr(*words.split(), "--quiet"), path)


@pytest.mark.parametrize("path", READ_BY, ids=str)
def test_a_missing_file_is_one_clear_line(trained, sbr, path):
    path.unlink()
    for words in READ_BY[path]:
        require_one_clear_line(sbr(*words.split(), "--quiet"), path)


@pytest.mark.parametrize("name", ["", "a/b", "..", "a\x1b[31mb", "x" * 121])
@pytest.mark.parametrize("words", ["train --name", "evaluate --run", "recommend --items 1 --run"])
def test_a_name_that_can_be_none_is_a_configuration_error(trained, sbr, words, name):
    said = sbr(*words.split(), name)
    shown = repr(name)
    assert (said.code, said.stdout) == (4, "")
    assert said.stderr == (
        "error: a run's name must be 1 to 120 printable characters, without / \\ : * ? \" < > | "
        f"and not begin with a dot or a dash. Received: {shown}\n"
    )
