"""A log read batch by batch is that read at once."""

import gzip
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sbrcli.config.reading import ReadConfig
from sbrcli.errors import DataError
from sbrcli.log.batches import WholeFileError, read_log_in_batches
from sbrcli.log.detect import AS_READ
from sbrcli.log.log import Log
from sbrcli.log.log_size import estimate_events
from sbrcli.log.quality.description import describe_reading
from sbrcli.log.reading import read_log


def read(
    logs: Sequence[Path], folder: Path, config: ReadConfig = AS_READ, batch_bytes: int = 600
) -> tuple[Log, pd.DataFrame, int]:
    """Read a log in batches; return what it is like, all of its events, and how many batches."""
    found: list[pd.DataFrame] = []
    log = read_log_in_batches(
        logs, config, lambda one: found.append(one.events), folder, batch_bytes
    )
    texts = [table.astype({c: str for c in table if c.endswith("_id")}) for table in found]
    return log, pd.concat(texts, ignore_index=True), len(found)


def require_equal(logs: Sequence[Path], folder: Path, config: ReadConfig = AS_READ) -> int:
    """Check that batches make the log, and return how many there are."""
    whole = read_log(logs, config)
    log, events, num_batches = read(logs, folder, config)
    expected = whole.events.astype({c: str for c in whole.events if c.endswith("_id")})
    pd.testing.assert_frame_equal(events, expected)
    assert describe_reading(log) == describe_reading(whole)
    assert (log.bad_rows, log.other_events, log.dropped_ids, log.event_kinds) == (
        whole.bad_rows,
        whole.other_events,
        whole.dropped_ids,
        whole.event_kinds,
    )
    return num_batches


ROWS = [(1 + at % 7, f"p{at % 11}", 1_000_000_000 + at * 60) for at in range(300)]


def write_text(path: Path, separator: str, header: str = "", quote: str = "") -> Path:
    rows = [separator.join(f"{quote}{field}{quote}" for field in row) for row in ROWS]
    path.write_text("".join(f"{row}\n" for row in ([header] if header else []) + rows))
    return path


@pytest.mark.parametrize(
    ("separator", "header", "quote"),
    [
        (",", "user_id,item_id,timestamp", ""),
        ("\t", "user_id\titem_id\ttimestamp", ""),
        ("::", "user_id::item_id::timestamp", ""),
        (",", '"user_id","item_id","timestamp"', '"'),
    ],
)
def test_text_is_cut_at_line_ends(tmp_path: Path, separator: str, header: str, quote: str):
    log = write_text(tmp_path / "log", separator, header, quote)
    assert require_equal([log], tmp_path) > 5
    assert abs(estimate_events([log]) - 300) < 20
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log"]


def test_what_is_kept_of_a_log_holds_on_to_its_first_event_alone(tmp_path: Path):
    log, events, _ = read(
        [write_text(tmp_path / "log", ",", "user_id,item_id,timestamp")], tmp_path
    )
    assert len(events) == 300
    assert log.events["item_id"].cat.categories.tolist() == ["p0"]


def test_a_quoted_field_that_spans_lines_is_not_cut(tmp_path: Path):
    lines = ["user_id,item_id,timestamp,text"]
    lines += [f'{user},{item},{time},"a\nb, ""c""\n"' for user, item, time in ROWS]
    log = tmp_path / "log.csv"
    log.write_text("\n".join(lines) + "\n")
    assert require_equal([log], tmp_path) > 5


def test_compressed_text_without_a_last_line_end(tmp_path: Path):
    plain = (
        write_text(tmp_path / "plain", "\t", "user_id\titem_id\ttimestamp").read_bytes().rstrip()
    )
    log = tmp_path / "log.tsv.gz"
    log.write_bytes(gzip.compress(plain))
    assert require_equal([log], tmp_path) > 5


def test_parquet_is_cut_at_row_groups(tmp_path: Path):
    log = tmp_path / "log.parquet"
    users, items, times = (list(column) for column in zip(*ROWS, strict=True))
    table = pa.table({"user_id": users, "item_id": items, "timestamp": times})
    pq.write_table(table, log, row_group_size=20)
    assert require_equal([log], tmp_path) == 15
    assert estimate_events([log]) == 300


def test_a_gap_in_a_row_group_names_its_row_in_the_file(tmp_path: Path):
    log = tmp_path / "log.parquet"
    users = pa.array([None if at == 250 else at for at in range(300)], pa.int64())
    table = pa.table({"user_id": users, "item_id": users, "timestamp": np.arange(300)})
    pq.write_table(table, log, row_group_size=20)
    with pytest.raises(DataError) as raised:
        read([log], tmp_path)
    assert str(raised.value).startswith(f"{log} row 251: a value is missing among ")


def test_several_files_and_json_are_one_log(tmp_path: Path):
    logs = [
        write_text(tmp_path / name, "\t", "user_id\titem_id\ttimestamp")
        for name in ("b.tsv", "a.tsv")
    ]
    logs[1].write_text(logs[1].read_text().replace("p1\t", "q1\t"))
    assert require_equal(logs, tmp_path) > 10
    lines = [f'{{"user": {u}, "item": "{i}", "time": {t}}}\n' for u, i, t in ROWS]
    (tmp_path / "log.jsonl").write_text("".join(lines))
    assert require_equal([tmp_path / "log.jsonl"], tmp_path) == 1


def test_a_bad_row_is_named_by_its_line_in_the_file(tmp_path: Path):
    log = write_text(tmp_path / "log.csv", ",", "user_id,item_id,timestamp")
    lines = log.read_text().splitlines()
    lines[207] = "1,p1"
    lines[288] = "1,p2,yesterday"
    log.write_text("\n".join(lines) + "\n")
    with pytest.raises(DataError) as raised:
        read([log], tmp_path)
    with pytest.raises(DataError) as expected:
        read_log(log)
    assert str(raised.value) == str(expected.value)
    assert str(raised.value).startswith(f"{log} line 208: ")
    assert require_equal([log], tmp_path, ReadConfig(skip_bad_rows=True)) > 5


def test_ids_left_out_may_fill_a_batch(tmp_path: Path):
    log = tmp_path / "log.csv"
    rows = [(9 if at < 100 else 1, at % 5, 1_000_000_000 + at) for at in range(300)]
    log.write_text("user_id,item_id,timestamp\n" + "".join(f"{u},{i},{t}\n" for u, i, t in rows))
    config = ReadConfig(drop_id="user=9")
    assert require_equal([log], tmp_path, config) > 5
    assert read([log], tmp_path, config)[0].dropped_ids == 100


def test_selected_events_are_counted_over_all_batches(tmp_path: Path):
    log = tmp_path / "log.csv"
    kinds = ["view" if at < 200 else "buy" for at in range(300)]
    lines = [f"{u},{i},{t},{k}\n" for (u, i, t), k in zip(ROWS, kinds, strict=True)]
    log.write_text("user_id,item_id,timestamp,event\n" + "".join(lines))
    require_equal([log], tmp_path, ReadConfig(event="buy"))
    with pytest.raises(DataError, match="no event is of the kind sell; found view, buy"):
        read([log], tmp_path, ReadConfig(event="sell"))


def test_times_that_need_the_whole_file_are_not_read_in_batches(tmp_path: Path):
    log = tmp_path / "log.csv"
    times = [*range(150), *(1_000_000_000_000 + at for at in range(200))]
    assert read_log(_write_times(log, times)).format.time_unit == "ms"
    with pytest.raises(WholeFileError):
        read([log], tmp_path)


def _write_times(log: Path, times: Sequence[int]) -> Path:
    log.write_text("user_id,item_id,timestamp\n" + "".join(f"1,2,{time}\n" for time in times))
    return log


def test_quotes_that_do_not_come_in_pairs_are_not_cut(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("sbrcli.log.batches.LONGEST_LINE_BYTES", 1000)
    log = write_text(tmp_path / "log.csv", ",", '"user_id","item_id","timestamp"', '"')
    lines = log.read_text().splitlines()
    lines[2] = '"1","5"" disk","1000000000"'
    log.write_text("\r".join(lines))
    with pytest.raises(WholeFileError):
        read([log], tmp_path)


def test_an_empty_log_is_refused(tmp_path: Path):
    log = tmp_path / "log.csv"
    log.write_text("user_id,item_id,timestamp\n")
    with pytest.raises(DataError, match="no event below the header"):
        read([log], tmp_path)
