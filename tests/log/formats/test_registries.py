"""A kind of file, and a layout of text, is one module and one line of a registry."""

import json
from pathlib import Path

import pytest

from sbrcli.log.formats.layouts.registry import LAYOUTS
from sbrcli.log.formats.registry import FILE_KINDS, FileKind
from sbrcli.log.reading import read_log

TOY_KIND = '''
"""A file of "TOY1" and one JSON array of users, one of items and one of times."""

import json
import pyarrow as pa
from sbrcli.log.formats.log_format import LogFormat
from sbrcli.log.formats.parsed import Parsed

COLUMNS = ("user_id", "item_id", "timestamp")

def recognise_file(path, config, path_names):
    return LogFormat(name="Toy", kind="toy", names=COLUMNS, columns=COLUMNS)

def parse_file(path, log_format, config, used):
    columns = json.loads(path.read_bytes()[4:])
    return Parsed(pa.table(dict(zip(COLUMNS, columns))).select(used))
'''
TOY_LAYOUT = '''
"""Plays of the radio Toy: a time, a song behind its first letter, a listener."""

from sbrcli.log.events import ITEM_ID, TIMESTAMP, USER_ID
from sbrcli.log.formats.layouts.layout import Headed, Headerless, has_columns
from sbrcli.log.formats.log_format import LogFormat

HEADERLESS = (
    Headerless(
        LogFormat(name="Toy plays", separator=";", columns=(TIMESTAMP, ITEM_ID, USER_ID)),
        lambda row: row[1].startswith("song-"),
    ),
)
HEADED = (Headed("Toy charts", has_columns("track", "chartplace")),)
'''


@pytest.fixture
def toy_layout(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("layout")
    (folder / "toy_layout.py").write_text(TOY_LAYOUT)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setattr("sbrcli.log.formats.layouts.registry.LAYOUTS", [*LAYOUTS, "toy_layout"])


@pytest.fixture
def toy_kind(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("kind")
    (folder / "toy_kind.py").write_text(TOY_KIND)
    monkeypatch.syspath_prepend(folder)
    kind = FileKind("toy_kind", begins=lambda first_bytes: first_bytes.startswith(b"TOY1"))
    monkeypatch.setitem(FILE_KINDS, "toy", kind)


@pytest.mark.usefixtures("toy_kind")
def test_a_new_kind_of_file_is_recognised_by_its_first_bytes_and_read(tmp_path, sbr):
    path = tmp_path / "plays.toy"
    path.write_bytes(b"TOY1" + json.dumps([["a", "b"], ["x", "y"], [1, 2]]).encode())
    log = read_log(path)
    assert log.format.name == "Toy"
    assert log.events["item_id"].tolist() == ["x", "y"]
    assert log.events["user_id"].tolist() == ["a", "b"]
    assert json.loads(sbr("stats", path, "--json").stdout)["events"] == 2


@pytest.mark.usefixtures("toy_layout")
def test_a_new_layout_is_recognised_without_a_header(tmp_path: Path):
    path = tmp_path / "plays.txt"
    path.write_text("1700000000;song-1;ann\n1700000001;song-2;ann\n")
    log = read_log(path)
    assert log.format.name == "Toy plays"
    assert log.events["user_id"].tolist() == ["ann", "ann"]
    assert log.events["item_id"].tolist() == ["song-1", "song-2"]


@pytest.mark.usefixtures("toy_layout")
def test_a_new_layout_is_named_by_its_header(tmp_path: Path):
    path = tmp_path / "charts.csv"
    path.write_text("user,track,time,chart_place\nann,1,1700000000,5\nann,2,1700000001,6\n")
    assert read_log(path).format.name == "Toy charts"
