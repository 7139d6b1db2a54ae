"""No bytes make the readers fail otherwise than with an error that a user can mend.

Whole logs of every layout and compression are cut, copied and changed at random places, and read
in every way that can be asked for. `-m slow` tries 40,000 more of them, and a million where the
environment variable SBR_TESTS_LONG is 25.
"""

import bz2
import gzip
import io
import lzma
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sbrcli.config.reading import ReadConfig
from sbrcli.errors import SbrError
from sbrcli.log.events import ITEM_ID, TIMESTAMP
from sbrcli.log.reading import read_log
from tests.conftest import LONG

TEXTS = [
    b'userId,itemId,time\n1,2,3\n"a\nb",3,4\n',
    b"1::2::3::4\n5::6::7::8\n",
    b"1\t2\t3\t4\n",
    b"1,2014-04-07T10:51:09.277Z,214536502,0\n2,2014-04-07T10:51:09Z,3,0\n",
    b"sessionId;userId;itemId;timeframe;eventdate\n1;NA;81766;526309;2016-05-09\n",
    b"user_id:token\titem_id:token\ttimestamp:float\n1\t2\t3\n",
    b"user,item,time\n1,2,2020-01-01 00:00:00 UTC\n1,2,2020-01-01T00:00:00.123+0100\n",
    b'{"user":"a","item":7,"time":1}\n{"user":"b","item":8,"time":2.5}\n',
]
PIECES = [
    *(b"1", b",", b"::", b"\t", b"\n", b"\r", b'"', b".", b"e9", b"nan", b"\xe9", b"-", b":"),
    *(b"2020-01-01", b"T", b"Z", b"{", b"}", b"[", b"null", b"\x1f", b"\0", b"\\ud800", b" "),
    *(b";", b"|", b"9" * 20, b"-1", b"time", b"item", b"\xef\xbb\xbf", b"\xff\xfe", b"1e400"),
]
CONFIGS = [
    ReadConfig(),
    ReadConfig(skip_bad_rows=True),
    ReadConfig(columns="user=1,item=2,time=3"),
    ReadConfig(columns="user=item,item=time,time=user"),
    ReadConfig(sep="::", columns="user=2,item=1,time=4", skip_bad_rows=True),
    ReadConfig(sep="||"),
    ReadConfig(header=False),
    ReadConfig(header=True),
    ReadConfig(encoding="utf-16"),
    ReadConfig(encoding="latin-1", skip_bad_rows=True),
    ReadConfig(time_unit="ms"),
    ReadConfig(event="1"),
]


def zipped(content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("log", content)
    return file.getvalue()


def zstd(content: bytes) -> bytes:
    output = pa.BufferOutputStream()
    with pa.CompressedOutputStream(output, "zstd") as file:
        file.write(content)
    return output.getvalue().to_pybytes()


def parquet(**options: object) -> bytes:
    output = pa.BufferOutputStream()
    table = pa.table({"user": ["a", "b"] * 20, "item": [1, 2] * 20, "time": [1, 2] * 20})
    pq.write_table(table, output, **options)  # pyright: ignore[reportArgumentType]
    return output.getvalue().to_pybytes()


def make_seeds() -> list[bytes]:
    packers: list[Callable[[bytes], bytes]] = [gzip.compress, bz2.compress, lzma.compress]
    packed = [pack(text * 20) for text in TEXTS[:3] for pack in [*packers, zipped, zstd]]
    return [*TEXTS, *packed, parquet(), parquet(compression="zstd", use_dictionary=False)]


def mutate(content: bytes, rng: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(rng.choice([0, 1, 1, 2, 3, 8])):
        at, choice = rng.randrange(len(changed) + 1), rng.random()
        if choice < 0.3:
            changed[at : at + 1] = bytes([rng.randrange(256)])
        elif choice < 0.7:
            changed[at:at] = rng.choice(PIECES)
        elif choice < 0.85:
            del changed[at : at + rng.randrange(1, 10)]
        else:
            changed[at:at] = bytes(changed[: rng.randrange(1, 40)])
    return bytes(changed)


MANY = [pytest.param(5_000 * LONG, seed, marks=pytest.mark.slow) for seed in range(1, 9)]


@pytest.mark.parametrize(("number", "seed"), [(1_000, 0), *MANY])
def test_no_bytes_end_in_a_traceback(number: int, seed: int):
    rng = random.Random(seed)
    seeds = make_seeds()
    num_read = 0
    for _ in range(number):
        content, config = mutate(rng.choice(seeds), rng), rng.choice(CONFIGS)
        Path("log").write_bytes(content)
        try:
            events = read_log(Path("log"), config).events
        except SbrError as error:
            assert str(error).startswith("log") or ", and log is " in str(error), content
            continue
        except BaseException as error:
            error.add_note(f"{config} {content!r}")
            raise
        num_read += 1
        assert len(events), content
        assert np.isfinite(events[TIMESTAMP]).all(), content
        assert np.all(events[ITEM_ID].notna()), content
    assert num_read > number / 50
