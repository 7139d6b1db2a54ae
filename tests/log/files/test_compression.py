import bz2
import gzip
import lzma
import zipfile
from functools import partial
from pathlib import Path

import pyarrow as pa
import pytest

from sbrcli.errors import DataError
from sbrcli.log.events import USER_ID
from sbrcli.log.reading import read_log

ROWS = "".join(f"{n}::{n * n}::3::{n}\n" for n in range(50_000)).encode()
AGAIN = "copy or download it again"


def zipped(content: bytes, *names: str) -> bytes:
    with zipfile.ZipFile("made.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, content)
    return Path("made.zip").read_bytes()


def zstd(content: bytes) -> bytes:
    with pa.CompressedOutputStream("made.zst", "zstd") as file:
        file.write(content)
    return Path("made.zst").read_bytes()


PACK = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": partial(lzma.compress, preset=0),
    "zstd": zstd,
    "zip": lambda content: zipped(content, "ratings.dat"),
}


@pytest.mark.parametrize("compression", PACK)
def test_a_compressed_log_is_known_by_its_bytes_and_not_by_its_name(compression: str):
    Path("log").write_bytes(PACK[compression](ROWS))
    log = read_log(Path("log"))
    assert log.format.compression == compression
    assert log.events[USER_ID].tolist() == list(range(50_000))


@pytest.mark.parametrize("compression", ["gzip", "bzip2", "xz", "zstd"])
def test_a_file_cut_short_says_so(compression: str):
    whole = PACK[compression](ROWS)
    Path("log").write_bytes(whole[: len(whole) // 2])
    assert complaint() == (f"log: the {compression} file is cut short", AGAIN)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"BZh9" + bytes(50), "log: the bzip2 file is damaged: Invalid data stream"),
        (b"\xfd7zXZ\x00" + bytes(50), "log: the xz file is damaged: Corrupt input data"),
        (b"PK\x03\x04" + bytes(50), "log: the zip file is damaged: File is not a zip file"),
    ],
)
def test_a_damaged_file_says_what_is_damaged(content: bytes, message: str):
    Path("log").write_bytes(content)
    assert complaint() == (message, AGAIN)


def test_a_zip_archive_holds_one_file_beside_what_systems_add():
    Path("log").write_bytes(zipped(b"1::2::3::4\n", "__MACOSX/a", "folder/.DS_Store", "folder/a"))
    assert len(read_log(Path("log")).events) == 1


@pytest.mark.parametrize(("names", "found"), [(("a", "b"), "2 found: a, b"), ((), "0 found: none")])
def test_a_zip_archive_of_more_or_less_than_one_file_is_refused(names: tuple, found: str):
    Path("log").write_bytes(zipped(b"1::2::3::4\n", *names))
    assert complaint() == (
        f"log: a zip archive of one file expected, {found}",
        "unpack it and name the file that holds the events",
    )


def test_a_zip_archive_of_an_unknown_kind_is_refused():
    content = bytearray(zipped(b"1::2::3::4\n", "a"))
    # The method of compression, where the file begins and in the list at the end.
    content[8] = content[content.index(b"PK\x01\x02") + 10] = 77
    Path("log").write_bytes(content)
    assert complaint() == (
        "log: a zip archive of an unknown kind: That compression method is not supported",
        "unpack it first",
    )


def test_an_encrypted_zip_archive_is_refused():
    content = bytearray(zipped(b"1::2::3::4\n", "a"))
    content[6] = content[content.index(b"PK\x01\x02") + 8] = 1
    Path("log").write_bytes(content)
    assert complaint() == ("log: the zip archive is encrypted", "unpack it first")


def test_a_bomb_is_refused_before_it_fills_the_memory(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sbrcli.log.files.compression._ALWAYS_ALLOWED_BYTES", 1 << 16)
    Path("log").write_bytes(gzip.compress(b"1::2::3::978300760\n" * 500_000))
    assert complaint() == (
        "log: it unpacks to more than 100 times its size, as no log does",
        "if it is a log all the same, unpack it and name the unpacked file",
    )


def test_a_small_file_may_be_as_repetitive_as_it_likes():
    Path("log").write_bytes(gzip.compress(b"1::2::3::978300760\n" * 50_000))
    assert len(read_log(Path("log")).events) == 50_000


def complaint() -> tuple[str, str | None]:
    with pytest.raises(DataError) as caught:
        read_log(Path("log"))
    return str(caught.value), caught.value.hint
