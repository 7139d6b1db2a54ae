"""Safetensors files, written and read one tensor at a time, to save memory.

A tensor of a million items and 100 units takes 400 MB, and a checkpoint contains three of them.
"""

import json
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from sbrcli.artefacts.manifests import write_parts_atomically

_KINDS = {"float32": "F32", "int64": "I64"}
"""Names of the supported types in safetensors."""

_SEAL, _UNSEALED = "crc32", "00000000"
"""The metadata entry of the file's checksum, and its value while the checksum is computed."""

_LENGTH_BYTES = 8
"""The number of bytes of the header's length, with which a file begins."""

_PART_BYTES = 1 << 20


def write_tensors(
    path: Path,
    tensors: Mapping[str, Any],
    metadata: Mapping[str, str] | None = None,
    *,
    sealed: bool = False,
) -> None:
    """Write tensors atomically, in the same bytes as `safetensors.numpy.save`.

    Args:
        path: the file, which is replaced.
        tensors: float32 or int64; anything with a shape and a dtype that NumPy can make an
            array of, such as a variable of TensorFlow.
        metadata: strings that the file stores besides the tensors.
        sealed: store a checksum of the file in its metadata; see `is_intact`.
    """
    if not sealed:
        write_parts_atomically(path, _parts(tensors, metadata))
        return
    checksum = 0
    header = b""

    def summed() -> Iterator[bytes | memoryview]:
        nonlocal checksum, header
        for number, part in enumerate(_parts(tensors, {_SEAL: _UNSEALED, **(metadata or {})})):
            checksum = zlib.crc32(part, checksum)
            header = bytes(part) if number == 1 else header
            yield part

    def seal(file: BinaryIO) -> None:
        file.seek(_LENGTH_BYTES + _place_of_seal(header))
        file.write(f"{checksum:08x}".encode())

    write_parts_atomically(path, summed(), seal)


def is_intact(path: Path) -> bool:
    """Return whether a file matches the checksum in its metadata.

    A file without a checksum, of an earlier version of sbr, counts as intact.

    Raises:
        OSError, ValueError: it is missing or damaged.
    """
    kept = read_metadata(path).get(_SEAL)
    if kept is None:
        return True
    with path.open("rb") as file:
        length = file.read(_LENGTH_BYTES)
        header = file.read(int.from_bytes(length, "little"))
        place = _place_of_seal(header)
        header = header[:place] + _UNSEALED.encode() + header[place + len(_UNSEALED) :]
        checksum = zlib.crc32(header, zlib.crc32(length))
        while part := file.read(_PART_BYTES):
            checksum = zlib.crc32(part, checksum)
    return kept == f"{checksum:08x}"


def read_tensor(path: Path, name: str) -> npt.NDArray[Any]:
    """Read one of a file's tensors.

    Raises:
        OSError, ValueError: the file is missing or damaged, lacks the tensor, or has it of a type
            that is never written.
    """
    with _opened(path) as file:  # reopened to unmap earlier tensors
        kind = file.get_slice(name).get_dtype()
        if kind not in _KINDS.values():
            raise ValueError(f"{name} is of type {kind}")
        return file.get_tensor(name)


def map_tensor(path: Path, name: str) -> npt.NDArray[Any]:
    """Map one of a file's tensors into memory, read-only, where all processes share it.

    It stays as it is when the file is replaced.

    Raises:
        OSError, ValueError: as `read_tensor`.
    """
    with _opened(path) as file:  # which checks the header
        shape = tuple(file.get_slice(name).get_shape())
    with path.open("rb") as file:
        length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
        entry = json.loads(file.read(length))[name]
    dtype = {kind: np.dtype(name).newbyteorder("<") for name, kind in _KINDS.items()}.get(
        entry["dtype"]
    )
    if dtype is None:
        raise ValueError(f"{name} is of type {entry['dtype']}")
    if not np.prod(shape):
        return np.empty(shape, dtype)
    offset = _LENGTH_BYTES + length + entry["data_offsets"][0]
    return np.memmap(path, dtype, "r", offset, shape).view(np.ndarray)


def read_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Return the names and shapes of a file's tensors.

    Raises:
        OSError, ValueError: it is missing or damaged.
    """
    with _opened(path) as file:
        return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118


def read_metadata(path: Path) -> dict[str, str]:
    """Return the metadata of a file.

    Raises:
        OSError, ValueError: it is missing or damaged.
    """
    with _opened(path) as file:
        return file.metadata() or {}


def dtype_of(tensor: Any) -> np.dtype:
    """Return a tensor's type, whether NumPy's or TensorFlow's."""
    return np.dtype(getattr(tensor.dtype, "as_numpy_dtype", tensor.dtype))


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            yield file
    except SafetensorError as error:
        raise ValueError(error) from error


def _place_of_seal(header: bytes) -> int:
    """Return the offset of the checksum in a header; no other string can contain unescaped quotes.

    Raises:
        ValueError: the header contains no checksum.
    """
    return header.index(f'"{_SEAL}":"'.encode()) + len(_SEAL) + 4


def _parts(
    tensors: Mapping[str, Any], metadata: Mapping[str, str] | None
) -> Iterator[bytes | memoryview]:
    kinds = {name: dtype_of(tensor) for name, tensor in tensors.items()}
    # The widest type first, so that every tensor is aligned to its width.
    order = sorted(tensors, key=lambda name: (-kinds[name].itemsize, name))
    header: dict[str, Any] = {} if metadata is None else {"__metadata__": dict(metadata)}
    end = 0
    for name in order:
        shape = [int(length) for length in tensors[name].shape]
        begin, end = end, end + kinds[name].itemsize * int(np.prod(shape))
        header[name] = {
            "dtype": _KINDS[kinds[name].name],
            "shape": shape,
            "data_offsets": [begin, end],
        }
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    yield len(text).to_bytes(8, "little")
    yield text
    for name in order:
        yield _little_endian(tensors[name], kinds[name])


def _little_endian(tensor: Any, dtype: np.dtype) -> memoryview:
    array = np.asarray(tensor, dtype.newbyteorder("<"), order="C")
    return array.reshape(-1).view(np.uint8).data
