"""Each file of a dataset and a run, damaged in each way: one clear line and exit code 5."""

import json
import struct
from collections.abc import Callable
from pathlib import Path
from shutil import copytree, rmtree
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import load_file, save

from sbrcli import __version__
from tests.chains import make_workspace, write_chain_log
from tests.conftest import Said

RUN, DATASET = Path("sbr-work", "runs", "run"), Path("sbr-work", "datasets", "user")

READ_BY: dict[Path, tuple[str, ...]] = {
    RUN / "manifest.json": ("evaluate --run run", "recommend --run run --items 1"),
    RUN / "items.safetensors": ("recommend --items 1",),
    RUN / "weights.safetensors": ("evaluate", "recommend --items 1"),
    RUN / "hybrid.json": ("evaluate --hybrid", "recommend --hybrid --items 1"),
    RUN / "hybrid.safetensors": ("recommend --hybrid --items 1",),
    RUN / "baselines.json": ("evaluate --baselines markov",),
    RUN / "evaluation.json": ("evaluate", "compare", "compare run"),
    DATASET / "manifest.json": ("evaluate", "train --name other --dataset user"),
    DATASET / "items.parquet": ("train --name other",),
    DATASET / "train.parquet": ("train --name other", "tune-baselines"),
    DATASET / "valid.parquet": ("evaluate --split valid", "tune-baselines"),
    DATASET / "valid_full.parquet": ("train --name other --refit",),
    DATASET / "test.parquet": ("evaluate",),
}
ASKED_FOR_ALONE = ("hybrid.json", "baselines.json", "evaluation.json")
"""Where such a file is not there, nothing has been chosen or found so far."""

Damage = Callable[[bytes], bytes]


def huge_header(_content: bytes) -> bytes:
    """Promise a tensor of a million million numbers, and hold none of them."""
    tensor = {"dtype": "F32", "shape": [10**12], "data_offsets": [0, 4 * 10**12]}
    text = json.dumps({"output/table": tensor}).encode()
    return struct.pack("<Q", len(text)) + text


def huge_length(_content: bytes) -> bytes:
    return struct.pack("<Q", 10**12) + b"{}"


DAMAGES: dict[str, Damage] = {
    "empty": lambda _: b"",
    "half": lambda content: content[: len(content) // 2],
    "garbage": lambda content: bytes(range(256)) * (len(content) // 256 + 1),
    "huge header": huge_header,
    "huge length": huge_length,
    "list": lambda _: b"[1]",
    "number": lambda _: b"5",
    "nested": lambda _: b"[" * 100_000,
}


def require_one_clear_line(said: Said, path: Path) -> None:
    assert (said.code, said.stdout) == (5, "")
    error, hint = said.stderr.splitlines()
    assert error.startswith(f"error: {path} is damaged: ")
    assert hint.startswith("hint: ")


@pytest.mark.parametrize("path", READ_BY, ids=str)
def test_a_damaged_file_is_one_clear_line(evaluated, sbr, path):
    whole = path.read_bytes()
    for damage in DAMAGES.values():
        path.write_bytes(damage(whole))
        for words in READ_BY[path]:
            require_one_clear_line(sbr(*words.split(), "--quiet"), path)
    assert not Path("sbr-work", "runs", "other").exists()


@pytest.mark.parametrize("path", [p for p in READ_BY if p.name not in ASKED_FOR_ALONE], ids=str)
def test_a_missing_file_is_one_clear_line(evaluated, sbr, path):
    path.unlink()
    for words in READ_BY[path]:
        require_one_clear_line(sbr(*words.split(), "--quiet"), path)


@pytest.mark.parametrize(
    "path", [p for p in READ_BY if p.suffix in (".parquet", ".safetensors")], ids=str
)
def test_one_flipped_bit_is_one_clear_line(evaluated, sbr, path):
    whole = path.read_bytes()
    for place in (len(whole) // 3, len(whole) // 2, len(whole) * 4 // 5):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        require_one_clear_line(sbr(*READ_BY[path][-1].split(), "--quiet"), path)


@pytest.mark.parametrize("path", [RUN / "weights.safetensors", RUN / "hybrid.safetensors"], ids=str)
def test_the_lowest_bit_of_the_last_tensor_is_missed(evaluated, sbr, path):
    whole = path.read_bytes()
    path.write_bytes(whole[:-4] + bytes([whole[-4] ^ 1]) + whole[-3:])
    said = sbr(*READ_BY[path][-1].split(), "--quiet")
    require_one_clear_line(said, path)
    why = "its checksum is not the one stored when it was written"
    assert said.stderr.splitlines()[0] == f"error: {path} is damaged: {why}"


def test_what_was_written_before_there_were_checksums_is_read(evaluated, sbr):
    for path, entry in (
        (RUN / "manifest.json", "files"),
        (RUN / "hybrid.json", "checksum"),
        (DATASET / "manifest.json", "files"),
    ):
        document = json.loads(path.read_text())
        del document[entry]
        path.write_text(json.dumps(document))
    for words in ("evaluate", "recommend --hybrid --items 1"):
        assert sbr(*words.split(), "--quiet").code == 0


def tensors(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    """Change what a safetensors file holds."""

    def damage(path: Path) -> None:
        held = load_file(path)
        change(held)
        path.write_bytes(save({n: np.ascontiguousarray(tensor) for n, tensor in held.items()}))

    return damage


def table(change: Callable[[pa.Table], pa.Table]) -> Callable[[Path], None]:
    """Change what a Parquet file holds."""
    return lambda path: pq.write_table(change(pq.read_table(path)), path)


def with_column(name: str, make: Callable[[Any], Any]) -> Callable[[Path], None]:
    def change(held: pa.Table) -> pa.Table:
        at = held.column_names.index(name)
        return held.set_column(at, name, make(held[name]))

    return table(change)


TENSOR_DAMAGES = {
    "lost": tensors(lambda held: held.pop("output/bias")),
    "more": tensors(lambda held: held.update(other=np.ones(3, np.float32))),
    "shape": tensors(lambda held: held.update({"output/bias": held["output/bias"][:-1]})),
    "float64": tensors(lambda held: held.update({"output/bias": np.zeros(40)})),
    "int64": tensors(lambda held: held.update({"output/bias": np.zeros(40, np.int64)})),
    "NaN": tensors(lambda held: held.update({"output/bias": np.full(40, np.nan, np.float32)})),
}


@pytest.mark.parametrize("damage", TENSOR_DAMAGES)
def test_weights_that_are_not_the_networks_are_one_clear_line(trained, sbr, damage):
    path = RUN / "weights.safetensors"
    TENSOR_DAMAGES[damage](path)
    for words in READ_BY[path]:
        require_one_clear_line(sbr(*words.split(), "--quiet"), path)


def shuffled(held: pa.Table) -> pa.Table:
    return held.take(np.random.default_rng(1).permutation(len(held)))


def numbers(count: int) -> pa.Array:
    return pa.array(np.arange(count))


TABLE_DAMAGES: dict[str, Callable[[Path], None]] = {
    "no column": table(lambda held: held.drop_columns(["item_index"])),
    "no rows": table(lambda held: held.slice(0, 0)),
    "fewer rows": table(lambda held: held.slice(3)),
    "gaps": with_column("item_index", lambda c: pa.array([None, *c.to_pylist()[1:]])),
    "text for indices": with_column("item_index", lambda c: c.cast(pa.string())),
    "floats for indices": with_column("item_index", lambda c: c.cast(pa.float64())),
    "too great an index": with_column("item_index", lambda c: pc.add(c, 40)),
    "an index of 64 bits": with_column("item_index", lambda c: pc.add(c.cast("int64"), 1 << 32)),
    "indices below 0": with_column("item_index", lambda c: pc.subtract(c, 40)),
    "sessions apart": table(shuffled),
    "lists for sessions": with_column("session_id", lambda c: pa.array([[1]] * len(c))),
    "floats for sessions": with_column("session_id", lambda c: c.cast(pa.float64())),
    "one session": with_column("session_id", lambda c: pa.array([1] * len(c))),
    "text for times": with_column("timestamp", lambda c: c.cast(pa.string())),
    "times that are none": with_column("timestamp", lambda c: pa.array([float("nan")] * len(c))),
    "no times": with_column("timestamp", lambda c: pa.nulls(len(c), pa.int64())),
}


@pytest.mark.parametrize("damage", TABLE_DAMAGES)
@pytest.mark.parametrize("name", ["train", "valid", "test", "valid_full"])
def test_a_split_that_is_none_of_the_dataset_is_one_clear_line(trained, sbr, name, damage):
    path = DATASET / f"{name}.parquet"
    TABLE_DAMAGES[damage](path)
    for words in READ_BY[path]:
        require_one_clear_line(sbr(*words.split(), "--quiet"), path)
    assert not Path("sbr-work", "runs", "other").exists()


ITEMS_DAMAGES: dict[str, Callable[[Path], None]] = {
    "no column": table(lambda held: held.drop_columns(["item_id"])),
    "fewer rows": table(lambda held: held.slice(0, 30)),
    "other order": table(shuffled),
    "numbers for ids": with_column("item_id", lambda c: numbers(len(c))),
    "text for indices": with_column("item_index", lambda c: c.cast(pa.string())),
    "text for counts": with_column("train_count", lambda c: c.cast(pa.string())),
    "counts of none": with_column("train_count", lambda c: pa.array([0] * len(c))),
    "counts below 0": with_column("train_count", pc.negate),
    "numbers for titles": table(lambda held: held.append_column("title", numbers(len(held)))),
}


@pytest.mark.parametrize("damage", ITEMS_DAMAGES)
def test_items_that_are_not_the_datasets_are_one_clear_line(trained, sbr, damage):
    path = DATASET / "items.parquet"
    ITEMS_DAMAGES[damage](path)
    require_one_clear_line(sbr("train", "--name", "other", "--quiet"), path)
    assert not Path("sbr-work", "runs", "other").exists()


@pytest.mark.parametrize("name", ["items", "train", "valid", "test", "valid_full"])
def test_a_file_of_another_dataset_is_one_clear_line(trained, sbr, tmp_path, name):
    make_workspace(tmp_path / "more", users=90)
    path = DATASET / f"{name}.parquet"
    path.write_bytes((tmp_path / "more" / "datasets" / "user" / path.name).read_bytes())
    for words in READ_BY[path]:
        require_one_clear_line(sbr(*words.split(), "--quiet"), path)


def test_a_header_that_lies_is_one_clear_line(trained, sbr):
    """Each byte of the footer changed by itself: never a traceback, never half a run."""
    path = DATASET / "test.parquet"
    whole = path.read_bytes()
    length = int.from_bytes(whole[-8:-4], "little")
    rng = np.random.default_rng(1)
    for at in rng.choice(length, size=60, replace=False):
        place = len(whole) - 8 - length + int(at)
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        said = sbr("evaluate", "--quiet")
        if said.code:
            require_one_clear_line(said, path)


def test_a_dataset_that_another_has_taken_the_name_of_is_reported(trained, sbr, tmp_path):
    rmtree(DATASET)
    make_workspace(tmp_path / "more", users=90)
    copytree(tmp_path / "more" / "datasets" / "user", DATASET)
    said = sbr("evaluate")
    assert (said.code, said.stdout) == (5, "")
    assert said.stderr == (
        "error: dataset user has changed since run run was trained on it\n"
        "hint: train the run again with --overwrite, or prepare the dataset as it was\n"
    )


@pytest.mark.parametrize(
    ("kind", "words", "reads"), [("runs/run", "evaluate", 1), ("datasets/user", "train", 2)]
)
def test_a_folder_of_a_newer_format_is_reported(trained, sbr, kind, words, reads):
    path = Path("sbr-work", kind, "manifest.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format_version": reads + 1}))
    said = sbr(*words.split())
    what, by = (
        ("run run", "sbr train") if words == "evaluate" else ("dataset user", "sbr preprocess LOG")
    )
    assert (said.code, said.stdout) == (5, "")
    assert said.stderr == (
        f"error: {what} has format version {reads + 1}; sbr {__version__} reads version {reads}\n"
        f"hint: make it again with: {by}, or use the sbr that wrote it\n"
    )


@pytest.mark.parametrize("words", ["evaluate", "recommend --items 1"])
def test_a_manifest_that_describes_no_network_is_named(trained, sbr, words):
    path = trained / "manifest.json"
    network = {"num_items": 40, "hsz": [4], "embedding": "none of them"}
    path.write_text(json.dumps(json.loads(path.read_text()) | {"network": network}))
    said = sbr(*words.split())
    assert (said.code, said.stdout) == (5, "")
    assert said.stderr == (
        f"error: {path} is damaged: the run's manifest does not describe a network: "
        "ValueError('embedding none of them')\nhint: train the run again with --overwrite\n"
    )


def test_a_damaged_run_is_skipped_where_none_is_named(trained, sbr):
    copytree(trained, trained.with_name("broken"))
    path = trained.with_name("broken") / "manifest.json"
    path.write_text("[]")
    warning = f"warning: {path} is damaged: it is not the manifest of a run; "
    said = sbr("compare", "--json")
    assert (said.code, [row["run"] for row in json.loads(said.stdout)["runs"]]) == (0, ["run"])
    assert said.stderr.splitlines()[0] == f"{warning}skipping it"
    said = sbr("train", "--resume")
    assert (said.code, said.stderr) == (
        0,
        f"{warning}skipping it\nrun run is complete already\n",
    )


def test_a_run_whose_evaluation_is_damaged_is_skipped_where_none_is_named(evaluated, sbr):
    copytree(evaluated, evaluated.with_name("broken"))
    path = evaluated.with_name("broken") / "evaluation.json"
    path.write_text('{"test": 1}')
    said = sbr("compare", "--json")
    assert (said.code, [row["run"] for row in json.loads(said.stdout)["runs"]]) == (0, ["run"])
    assert said.stderr == (
        f"warning: {path} is damaged: it holds no figures; skipping run broken\n"
    )


@pytest.mark.parametrize("damage", ["half", "huge header"])
def test_a_run_whose_checkpoint_is_damaged_is_resumed_from_its_beginning(trained, sbr, damage):
    words = "train --name anew --hsz 4 --batch-size 4 --bptt 4 --epochs 1 --quiet"
    assert sbr(*words.split()).code == 0
    run = trained.with_name("anew")
    weights = (run / "weights.safetensors").read_bytes()
    manifest = json.loads((run / "manifest.json").read_text())
    (run / "manifest.json").write_text(json.dumps(manifest | {"status": "training"}))
    path = run / "checkpoint" / "state.safetensors"
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    said = sbr("train", "--resume", "--quiet")
    assert said.code == 0
    (warning,) = said.stderr.splitlines()
    assert warning.startswith(f"warning: {path} ")
    assert warning.endswith("; training starts again")
    assert (run / "weights.safetensors").read_bytes() == weights


@pytest.mark.parametrize("damage", DAMAGES)
def test_history_is_written_for_others_and_read_by_no_command(evaluated, sbr, damage):
    path = evaluated / "history.csv"
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    for words in ("evaluate", "recommend --items 1", "compare", "train --resume"):
        assert sbr(*words.split(), "--quiet").code == 0


@pytest.mark.parametrize("name", ["a/b", "..", "a\x1b[31mb", "x" * 121])
@pytest.mark.parametrize(
    "words",
    [
        "train --name",
        "train --resume --name",
        "evaluate --run",
        "evaluate --hybrid-from",
        "recommend --items 1 --run",
        "tune-baselines --run",
        "compare",
    ],
)
def test_a_name_that_can_be_none_is_a_configuration_error(trained, sbr, words, name):
    said = sbr(*words.split(), name)
    assert (said.code, said.stdout) == (4, "")
    assert said.stderr == (
        "error: a run's name must be 1 to 120 printable characters, without / \\ : * ? \" < > | "
        f"and not begin with a dot or a dash. Received: {name!r}\n"
    )


@pytest.mark.parametrize("name", ["a/b", "..", "a\x1b[31mb", "x" * 121])
@pytest.mark.parametrize("words", ["preprocess log --quiet --name", "train --dataset"])
def test_a_datasets_name_that_can_be_none_is_a_configuration_error(trained, sbr, words, name):
    write_chain_log(Path("log"), users=10)
    said = sbr(*words.split(), name)
    assert (said.code, said.stdout) == (4, "")
    assert said.stderr == (
        "error: a dataset's name must be 1 to 120 printable characters, without / \\ : * ? \" < > "
        f"| and not begin with a dot or a dash. Received: {name!r}\n"
    )
    assert [path.name for path in Path("sbr-work", "datasets").iterdir()] == ["user"]
