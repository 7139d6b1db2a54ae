"""Files made to fill the memory end in one clear line, within a bound of memory."""

import gzip
import lzma
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

resource = pytest.importorskip("resource", reason="no limit of memory here")

MEMORY = 3 << 30
"""Address space, of which the libraries take a half before anything is read."""

AGAIN = "copy or download it again"


def stats(path: Path) -> tuple[str, str, int]:
    done = subprocess.run(
        [sys.executable, "-m", "sbrcli", "stats", path.name],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY)),
    )
    return done.stdout, done.stderr, done.returncode


def test_a_line_of_a_gigabyte_is_not_read():
    log = Path("log.json.gz")
    block = gzip.compress(b"a" * (1 << 24), compresslevel=1)
    log.write_bytes(gzip.compress(b'{"user": "') + block * 64)
    assert stats(log) == (
        "",
        "error: log.json.gz line 1: it is longer than 16 MiB\n"
        "hint: a log has one event a line; see whether its line ends are line feeds\n",
        3,
    )


# The quick reader is the one of most logs; of four times as many seconds is the other one.
@pytest.mark.parametrize(
    "row", [b"1,2,978300760\n", pytest.param(b"1::2::3::978300760\n", marks=pytest.mark.slow)]
)
def test_a_bomb_of_good_rows_is_refused(row: bytes):
    log = Path("log.xz")
    block = lzma.compress(row * (1 << 20), preset=0)
    header = lzma.compress(b"user,item,time\n") if b"::" not in row else b""
    log.write_bytes(header + block * 64)  # 0.9 GiB or more, in less than 300 KiB
    assert stats(log) == (
        "",
        "error: log.xz: it unpacks to more than 100 times its size, as no log does\n"
        "hint: if it is a log all the same, unpack it and name the unpacked file\n",
        3,
    )


def test_a_parquet_file_that_claims_too_much_is_refused():
    zeros = pa.array(np.zeros(1 << 21, np.int64))
    group = pa.table({"user": zeros, "item": zeros, "time": zeros})
    with pq.ParquetWriter("log.parquet", group.schema, compression="zstd") as writer:
        for _ in range(8):
            writer.write_table(group)
    size = Path("log.parquet").stat().st_size
    assert stats(Path("log.parquet")) == (
        "",
        "error: log.parquet: the Parquet file is damaged: it claims 16,777,216 rows in "
        f"{size:,} bytes\nhint: {AGAIN}\n",
        3,
    )
