"""Files that sbr does not read: each is named, with what makes a readable file of it."""

import gzip
import io
import pickle
import sqlite3
import tarfile
import zipfile
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from sbrcli.errors import DataError
from sbrcli.log.reading import read_log

CSV = b"user,item,time\na,5,1600000000\n"


def complaint(path: Path | str) -> tuple[str, str | None]:
    with pytest.raises(DataError) as raised:
        read_log(Path(path))
    return str(raised.value), raised.value.hint


def refusal(name: str, content: bytes) -> tuple[str, str | None]:
    Path(name).write_bytes(content)
    message, hint = complaint(name)
    assert message.startswith(f"{name} is ")
    assert message.endswith(", which sbr does not read")
    return message.removeprefix(f"{name} is ").removesuffix(", which sbr does not read"), hint


@pytest.fixture(autouse=True)
def _in_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def database(path: str, *tables: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for table in tables:
            connection.execute(f'CREATE TABLE "{table}" (user, item, time)')
        connection.commit()


def test_a_database_is_named_with_its_table():
    database("a b.db", "clicks")
    assert complaint("a b.db") == (
        "a b.db is a SQLite database, which sbr does not read",
        "write its table as CSV: sqlite3 -header -csv 'a b.db' "
        "'SELECT * FROM \"clicks\"' > log.csv",
    )


def test_a_database_of_several_tables_names_them():
    database("a.db", "clicks", "users")
    assert complaint("a.db")[1] == (
        "write its table as CSV: sqlite3 -header -csv a.db 'SELECT * FROM \"TABLE\"' > log.csv; "
        "its tables: clicks, users"
    )


def test_a_damaged_database_is_named_too():
    assert refusal("a.db", b"SQLite format 3\0" + b"\1" * 100)[0] == "a SQLite database"


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0", "an old Excel or Office file"),
        (b"Obj\x01\x04\x14avro.codec\0", "an Avro file"),
        (b"\x89HDF\r\n\x1a\n\0", "an HDF5 file"),
        (b"MATLAB 5.0 MAT-file\0", "a MATLAB file"),
        (b"\0\0\0\0\0\0\0\0DUCK\0", "a DuckDB database"),
        (b"FEA1\0\0", "a Feather file of version 1"),
        (b"PARE\0\0", "an encrypted Parquet file"),
        (b"7z\xbc\xaf\x27\x1c\0\4", "a 7z archive"),
        (b"Rar!\x1a\x07\x01\0", "a rar archive"),
        (b"\x04\x22\x4d\x18\x64\x40\xa7", "an lz4 file"),
        (b"\xff\x06\x00\x00sNaPpY", "a snappy file"),
        (b"\x1f\x9d\x90abc", "a file of compress"),
        (b"SEQ\x06\x19org\0", "a sequence file of Hadoop"),
        (b"<?xml version='1.0'?>\n<a/>\n", "an XML file"),
        (b"\n<!DOCTYPE html>\n", "a web page, as a failed download or a login leaves"),
        (
            b"version https://git-lfs.github.com/spec/v1\n",
            "a pointer of Git LFS, not the file itself",
        ),
        (b"%PDF-1.7\n\0", "a PDF document"),
        (b"-- MySQL dump 10.13\n", "a dump of MySQL"),
    ],
)
def test_files_are_known_by_how_they_begin(content, name):
    assert refusal("log", content)[0] == name


def test_archives_are_known_within_a_compression():
    with tarfile.open("a.tgz", "w:gz") as archive:
        info = tarfile.TarInfo("log.csv")
        info.size = len(CSV)
        archive.addfile(info, io.BytesIO(CSV))
    assert complaint("a.tgz") == (
        "a.tgz is a tar archive, which sbr does not read",
        "unpack it first: tar -xf a.tgz",
    )
    assert refusal("a.rds", gzip.compress(b"X\n\0\0\0\2\0"))[0] == "a file of R"


def zipped(path: str, *names: str) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, b"1")


@pytest.mark.parametrize(
    ("members", "name"),
    [
        (("[Content_Types].xml", "xl/workbook.xml"), "an Excel workbook"),
        (("[Content_Types].xml", "word/document.xml"), "an office document"),
        (("mimetype", "content.xml"), "an OpenDocument file"),
        (("archive/data.pkl", "archive/data/0"), "a file of PyTorch"),
    ],
)
def test_documents_within_a_zip_are_known_by_their_members(members, name):
    zipped("log", *members)
    assert complaint("log")[0] == f"log is {name}, which sbr does not read"


def test_arrays_of_numpy_are_named():
    np.savez("log.npz", user=[1], item=[2])
    assert complaint("log.npz") == (
        "log.npz is a file of NumPy arrays (user, item), which sbr does not read",
        "write them as the columns of a table, in Python: "
        "pandas.DataFrame(dict(numpy.load('log.npz'))).to_parquet('log.parquet')",
    )
    np.save("log.npy", np.zeros((3, 3)))
    assert complaint("log.npy")[0] == "log.npy is an array of NumPy, which sbr does not read"


def test_a_pickle_is_named_with_its_danger():
    assert refusal("log", pickle.dumps({"user": [1, 2]})) == (
        "a pickle of Python, which can run any program when it is read",
        "only if its source is trusted, in Python: pandas.read_pickle('log').to_parquet("
        "'log.parquet')",
    )


def test_what_has_no_beginning_of_its_own_is_known_by_its_name():
    assert refusal("log.bson", b"\x16\0\0\0\x02a\0") == (
        "a dump of MongoDB",
        "write it as JSON lines: bsondump log.bson > log.jsonl",
    )


@pytest.mark.parametrize("user", ["GIF89", "LZIP", "REDIS", "%PDFx", "Rar!", "Obj"])
def test_a_log_may_begin_as_other_files_do(user):
    Path("log").write_text(f"{user},item,time\na,5,1600000000\n")
    assert complaint("log")[0].startswith("log line 1: no column for the user or session; found")


@pytest.mark.parametrize(
    ("address", "hint"),
    [
        ("https://x.example/a.csv?b=1", "curl -L 'https://x.example/a.csv?b=1' | sbr stats -"),
        ("s3://b/a.csv", "aws s3 cp s3://b/a.csv - | sbr stats -"),
        ("gs://b/a.csv", "gcloud storage cat gs://b/a.csv | sbr stats -"),
        ("hdfs://b/a.csv", "hdfs dfs -cat hdfs://b/a.csv | sbr stats -"),
    ],
)
def test_addresses_are_named_with_what_fetches_them(address, hint):
    message = f"{address} is an address, and sbr reads files alone"
    assert complaint(address) == (message, f"pipe it: {hint}")


def test_other_addresses_are_named():
    assert complaint("postgresql://host/shop") == (
        "postgresql://host/shop is an address, and sbr reads files alone",
        "write its events into a file, and name that",
    )
    assert complaint("file:///data/a.csv") == (
        "file:///data/a.csv is an address, not a path",
        "name the path: /data/a.csv",
    )
    assert complaint("a.csv") == ("a.csv: no such file", "check the name and the folder")
