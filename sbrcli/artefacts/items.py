"""A run's own copy of its items: ids, counts and titles, in a file that NumPy alone can read.

The file is safetensors: each column of strings is its UTF-8 bytes laid end to end, and the offsets
at which they are cut. So `recommend` needs neither the dataset nor pandas nor PyArrow.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sbrcli.artefacts.checksums import find_checksum_mismatch
from sbrcli.artefacts.manifests import write_atomically
from sbrcli.errors import ArtefactError

IntArray = npt.NDArray[np.integer]
Tensors = dict[str, npt.NDArray]

ITEMS_FILE = "items.safetensors"


@dataclass(frozen=True)
class RunItems:
    """A run's items; an item's index is its position here.

    Args:
        ids: the ids as written in the log.
        train_count: (items,) int64, the number of training events of each item.
        titles: the title of each item, or None; None if no titles were given.
    """

    ids: list[str]
    train_count: IntArray
    titles: list[str | None] | None = None

    @cached_property
    def index_of(self) -> dict[str, int]:
        """The item index of each id."""
        return {item_id: index for index, item_id in enumerate(self.ids)}


def save_items(
    path: Path,
    ids: Sequence[str],
    train_count: IntArray,
    titles: Sequence[str | None] | None = None,
) -> None:
    """Write a run's items, atomically; equal items give equal bytes."""
    from safetensors.numpy import save

    columns: Tensors = {"train_count": np.ascontiguousarray(train_count, np.int64)}
    columns |= _to_bytes("id", ids)
    if titles is not None:
        columns |= _to_bytes("title", [title or "" for title in titles])
        columns["title/given"] = np.array([title is not None for title in titles], np.uint8)
    write_atomically(path, save(columns))


def load_items(path: Path) -> RunItems:
    """Read a run's items.

    Raises:
        ArtefactError: the file is missing or damaged.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        columns = load(path.read_bytes())
        counts = _column(columns, "train_count", np.int64)
        ids = _to_strings(columns, "id", len(counts))
        titles = _titles(columns, len(counts))
        misfit = find_checksum_mismatch(path)
    except FileNotFoundError as error:
        raise _damaged(path, "it is missing") from error
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise _damaged(path, str(error)) from error
    if misfit is not None:
        raise _damaged(path, misfit)
    return RunItems(ids, counts, titles)


def _titles(columns: Tensors, count: int) -> list[str | None] | None:
    if "title/given" not in columns:
        return None
    given = _column(columns, "title/given", np.uint8)
    if len(given) != count:
        raise ValueError(f"title/given has {len(given)} entries for {count} items")
    titles = _to_strings(columns, "title", count)
    return [title if there else None for title, there in zip(titles, given, strict=True)]


def _to_bytes(name: str, texts: Sequence[str]) -> Tensors:
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    offsets = np.zeros(len(encoded) + 1, np.int64)
    np.cumsum([len(text) for text in encoded], out=offsets[1:])
    return {
        f"{name}/bytes": np.frombuffer(b"".join(encoded), np.uint8),
        f"{name}/offsets": offsets,
    }


def _to_strings(columns: Tensors, name: str, count: int) -> list[str]:
    text = _column(columns, f"{name}/bytes", np.uint8).tobytes()
    offsets = _column(columns, f"{name}/offsets", np.int64)
    whole = len(offsets) == count + 1 and offsets[0] == 0 and offsets[-1] == len(text)
    if not whole or (np.diff(offsets) < 0).any():
        raise ValueError(f"{name}/offsets do not cut {name}/bytes into {count} strings")
    cuts = offsets.tolist()
    return [
        text[start:end].decode("utf-8", "surrogatepass") for start, end in itertools.pairwise(cuts)
    ]


def _column(columns: Tensors, name: str, dtype: npt.DTypeLike) -> npt.NDArray:
    if name not in columns:
        raise ValueError(f"it has no {name}")
    column = columns[name]
    if column.ndim != 1 or column.dtype != dtype:
        raise ValueError(f"{name} is {column.dtype} {column.shape}")
    return column


def _damaged(path: Path, what: str) -> ArtefactError:
    return ArtefactError(f"{path} is damaged: {what}", hint="train the run again with --overwrite")
