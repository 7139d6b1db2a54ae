"""How a log is called in a dataset's default name, and for a person."""

from pathlib import Path

import pytest

from sbrcli.artefacts.dataset import SourceFile
from sbrcli.dataset.log_names import name_file, name_of_log, word_for_log


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("ratings.dat", "ratings"),
        ("clicks.csv.gz", "clicks"),
        ("CLICKS.CSV", "CLICKS"),
        ("clicks.2026-05-01.csv", "clicks.2026-05-01"),
        ("clicks", "clicks"),
        ("Clicks (May 2026).csv", "Clicks-May-2026"),
        ("a  b -- c.tsv", "a-b-c"),
        ("日志.csv", "日志"),
        ("e\u0301te\u0301.csv", "\u00e9t\u00e9"),
        ("हिन्दी.csv", "हिन्दी"),
        (".hidden.csv", "hidden"),
        ("--name.csv", "name"),
        (".csv", "csv"),
        ("???.csv", "log"),
        ("a:b*c?.csv", "a-b-c"),
        ("a\nb\x1b[31m.csv", "a-b-31m"),
        ("\udcff.csv", "log"),
        ("x" * 200 + ".csv", "x" * 40),
        ("é" * 200 + ".csv", "é" * 20),
        ("standard input", "stdin"),
    ],
)
def test_a_file_s_name_becomes_a_part_of_a_folder_s(name, word):
    assert word_for_log(SourceFile(name)) == word


def test_several_files_are_called_by_the_first():
    parts = [SourceFile("jan.csv"), SourceFile("feb.csv")]
    source = SourceFile("jan.csv, feb.csv", parts=parts)
    assert name_of_log(source) == "jan and 1 more"
    assert word_for_log(source) == "jan-and-1-more"


def test_a_folder_has_its_own_name_and_a_pipe_is_standard_input(tmp_path, monkeypatch):
    (tmp_path / "clicks" / "deep").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "clicks" / "deep")
    assert name_file(Path()) == "deep"
    assert name_file(Path("..")) == "clicks"
    assert name_file(Path("../x/a.csv")) == "a.csv"
    for pipe in ("-", "/dev/stdin", "/dev/fd/63", "/proc/self/fd/0"):
        assert name_file(Path(pipe)) == "standard input"
