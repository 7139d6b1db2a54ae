"""Each line on a log of one's own, in README and guide, runs on a log as the line has it."""

import gzip
import io
import shlex
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.documents import code_lines, section
from tests.guide_reference import GUIDE, README

OWN_LOG = section(README.read_text(encoding="utf-8"), "Your own log")
PAGE = (GUIDE / "logs.md").read_text(encoding="utf-8")
LINES = [*code_lines(OWN_LOG, "sh"), *code_lines(PAGE, "sh")]

DAY = 86_400
EVENTS = [(user, item, user * DAY) for user in range(1, 100) for item in (1, 2, 3)]
SESSIONS = "SessionId\tItemId\tTime\n" + "".join(f"{u}\t{i}\t{t}\n" for u, i, t in EVENTS)
RETAIL_ROCKET = "timestamp,visitorid,event,itemid,transactionid\n" + "".join(
    f"{time * 10_000},{user},{'view' if item < 3 else 'addtocart'},{item},\n"
    for user, item, time in EVENTS
)


@pytest.fixture(autouse=True)
def logs() -> None:
    ratings = "".join(f"{user}::{item}::5::{time}\n" for user, item, time in EVENTS)
    Path("ratings.dat.gz").write_bytes(gzip.compress(ratings.encode()))
    Path("events.csv").write_text(RETAIL_ROCKET)
    Path("events.csv.gz").write_bytes(gzip.compress(RETAIL_ROCKET.encode()))
    Path("clicks.txt").write_text("at|visitor|product\n10|ann|7\n20|ann|8\n")
    Path("plain.txt").write_text("1\tx\t7\t10\n1\tx\t8\t20\n")
    Path("pairs.txt").write_text("1 7\n1 8\n1 9\n1 7\n1 8\n2 9\n2 8\n2 7\n2 8\n2 9\n")
    Path("visits.csv").write_text("user,item,date,time\na,7,2021-03-01,08:00\n")
    Path("clicks.jsonl").write_text('{"who": "ann", "item": 7, "time": 10}\n')
    Path("dump.csv").write_text('user,item,time\n"a\\"b",7,10\n')
    Path("titles.tsv").write_text('user\titem\ttime\n"a\t7\t10\n')
    Path("latin.csv").write_bytes("user,item,time\ncafé,7,10\n".encode("latin-1"))
    Path("parts").mkdir()
    table = pa.table({"user": ["ann", None], "item": [7, 8], "time": [10, 20]})
    pq.write_table(table, "parts/part-0.parquet")
    for name in ("train_full.tsv", "train_tr.tsv", "train_valid.tsv", "test.tsv"):
        Path(name).write_text(SESSIONS)


def test_there_are_lines_to_run():
    assert len(LINES) == 3 + 14


@pytest.mark.parametrize("line", LINES)
def test_a_line_on_logs_runs(sbr, monkeypatch: pytest.MonkeyPatch, line: str):
    before, _, command = line.rpartition(" | ")
    if before.startswith("zcat "):
        unpacked = gzip.decompress(Path(before.removeprefix("zcat ")).read_bytes())
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(unpacked)))
    else:
        command = line
    said = sbr(*shlex.split(command)[1:])
    assert said.code == 0, said.stderr
    assert said.stderr.startswith("read as ")
