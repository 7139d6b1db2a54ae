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


def in_python(line: str, package: str = "") -> str:
    return "write it as CSV or Parquet; " + (
        f"pip install {package}, then in Python: {line}" if package else f"in Python: {line}"
    )


SAVE = ".to_parquet('log.parquet')"
WORKBOOK = "save the sheet with the events as CSV, and name that file"
DOCUMENT = "save the table with the events as CSV, and name that file"
RDS = "in R: write.csv(readRDS('log'), 'log.csv', row.names = FALSE), or load() it"
HIVE = "write it as ORC or Parquet, in Hive: CREATE TABLE ... AS SELECT"
OTHER = "name the file that holds the events"
PAGE = "a web page, as a failed download or a login leaves"


@pytest.mark.parametrize(
    ("content", "name", "hint"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0", "an old Excel or Office file", WORKBOOK),
        (
            b"Obj\x01\x04\x14avro.codec\0",
            "an Avro file",
            "write it as JSON lines: avro-tools tojson log > log.jsonl",
        ),
        (
            b"\x89HDF\r\n\x1a\n\0",
            "an HDF5 file",
            in_python(f"pandas.read_hdf('log'){SAVE}", "tables"),
        ),
        (b"MATLAB 5.0 MAT-file\0", "a MATLAB file", in_python("scipy.io.loadmat('log')", "scipy")),
        (b"RDX3\nX\n\0\0\0\3\0\3\5\0\0", "a file of R", RDS),
        (b"<stata_dta>\0", "a Stata file", in_python(f"pandas.read_stata('log'){SAVE}")),
        (
            b"$FL2\0",
            "an SPSS file",
            in_python(f"pandas.read_spss('log'){SAVE}", "pyreadstat"),
        ),
        (
            b"\0" * 12 + b"\xc2\xea\x81\x60",
            "a SAS file",
            in_python(f"pandas.read_sas('log'){SAVE}"),
        ),
        (
            b"HEADER RECORD*\0",
            "a SAS transport file",
            in_python(f"pandas.read_sas('log'){SAVE}"),
        ),
        (
            b"\0\0\0\0\0\0\0\0DUCK\0",
            "a DuckDB database",
            "write its table: duckdb log -c \"COPY TABLE_NAME TO 'log.parquet'\"",
        ),
        (
            b"FEA1\0\0",
            "a Feather file of version 1",
            in_python(f"pandas.read_feather('log'){SAVE}"),
        ),
        (b"PARE\0\0", "an encrypted Parquet file", "write it without encryption"),
        (
            b"SEQ\x06\x19org\0",
            "a sequence file of Hadoop",
            "write it as text: hadoop fs -text log > log.txt",
        ),
        (b"RCF\x01\0", "an RC file of Hive", HIVE),
        (
            b"PGDMP\x01\0",
            "a dump of PostgreSQL",
            "restore it, then: psql -c \"\\copy TABLE to 'log.csv' csv header\"",
        ),
        (b"REDIS\0", "a dump of Redis", "write its events as JSON lines or CSV"),
        (
            b"\0\1\0\0Standard ACE DB\0",
            "a database of Access",
            "write its table as CSV: mdb-export log TABLE > log.csv",
        ),
        (b"7z\xbc\xaf\x27\x1c\0\4", "a 7z archive", "unpack it first: 7z x log"),
        (b"Rar!\x1a\x07\x01\0", "a rar archive", "unpack it first: unrar x log"),
        (b"MSCF\0", "a cab archive", "unpack it first: cabextract log"),
        (b"!<arch>\n\0", "an ar archive", "unpack it first: ar x log"),
        (b"\x04\x22\x4d\x18\x64\x40\xa7", "an lz4 file", "unpack it first: lz4 -d log"),
        (b"\xff\x06\x00\x00sNaPpY", "a snappy file", "unpack it first: snzip -d log"),
        (b"LZIP\1\0", "an lzip file", "unpack it first: lzip -d log"),
        (b"\x89LZO\0", "an lzop file", "unpack it first: lzop -d log"),
        (b"\x1f\x9d\x90abc", "a file of compress", "unpack it first: uncompress log"),
        (b"\x5d\0\0\1", "an lzma file", "unpack it first: xz -d --format=lzma log"),
        (b"Salted__\0", "a file encrypted by OpenSSL", "decrypt it first: openssl enc -d"),
        (
            b"-----BEGIN PGP MESSAGE-----\n",
            "a file encrypted by PGP",
            "decrypt it first: gpg -d log > log.csv",
        ),
        (b"<?xml version='1.0'?>\n<a/>\n", "an XML file", "write its events as CSV or JSON lines"),
        (b"\n<!DOCTYPE html>\n", PAGE, "download the file itself"),
        (
            b"version https://git-lfs.github.com/spec/v1\n",
            "a pointer of Git LFS, not the file itself",
            "fetch the file: git lfs pull",
        ),
        (b"%PDF-1.7\n\0", "a PDF document", OTHER),
        (b"GIF89a\0", "a picture", OTHER),
        (b"\x7fELF\0", "a program", OTHER),
        (
            b"-- MySQL dump 10.13\n",
            "a dump of MySQL",
            "load it, then: mysql --batch -e 'SELECT * FROM TABLE' > log.tsv",
        ),
        (
            b"INSERT INTO events VALUES (71,501,1614585600);\n",
            "a script of SQL",
            "run it in a database, and export the table with the events as CSV",
        ),
        (
            b"%%MatrixMarket matrix coordinate integer general\n3 7 12\n1 1 1\n",
            "a MatrixMarket file",
            "take its header off: grep -v '^%' log | tail -n +2 > log.txt; then read log.txt "
            "with --no-time --no-header --columns user=1,item=2",
        ),
        (
            b"-- PostgreSQL database dump\n",
            "a dump of PostgreSQL",
            "load it, then: psql -c \"\\copy TABLE to 'log.csv' csv header\"",
        ),
    ],
)
def test_files_are_known_by_how_they_begin(content, name, hint):
    assert refusal("log", content) == (name, hint)


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
    ("members", "name", "hint"),
    [
        (("[Content_Types].xml", "xl/workbook.xml"), "an Excel workbook", WORKBOOK),
        (("[Content_Types].xml", "word/document.xml"), "an office document", DOCUMENT),
        (("mimetype", "content.xml"), "an OpenDocument file", DOCUMENT),
        (("Index/Document.iwa",), "a Numbers or Pages document", DOCUMENT),
        (
            ("archive/data.pkl", "archive/data/0"),
            "a file of PyTorch",
            "write its tensors as columns of a table: torch.load('log')",
        ),
    ],
)
def test_documents_within_a_zip_are_known_by_their_members(members, name, hint):
    zipped("log", *members)
    assert complaint("log") == (f"log is {name}, which sbr does not read", hint)


def test_arrays_of_numpy_are_named():
    np.savez("log.npz", user=[1], item=[2])
    assert complaint("log.npz") == (
        "log.npz is a file of NumPy arrays (user, item), which sbr does not read",
        "write them as the columns of a table, in Python: "
        "pandas.DataFrame(dict(numpy.load('log.npz'))).to_parquet('log.parquet')",
    )
    np.save("log.npy", np.zeros((3, 3)))
    assert complaint("log.npy") == (
        "log.npy is an array of NumPy, which sbr does not read",
        "write it as CSV, in Python: numpy.savetxt('log.csv', numpy.load('log.npy'), '%s', ',')",
    )


def test_a_pickle_is_named_with_its_danger():
    assert refusal("log", pickle.dumps({"user": [1, 2]})) == (
        "a pickle of Python, which can run any program when it is read",
        "only if its source is trusted, in Python: pandas.read_pickle('log').to_parquet("
        "'log.parquet')",
    )


@pytest.mark.parametrize(
    ("suffix", "name", "hint"),
    [
        ("br", "a brotli file", "unpack it first: brotli -d log.br"),
        ("bson", "a dump of MongoDB", "write it as JSON lines: bsondump log.bson > log.jsonl"),
        ("dbf", "a dBase file", WORKBOOK),
        ("lzo", "an lzo file", "unpack it first: lzop -d log.lzo"),
        ("msgpack", "a MessagePack file", in_python("msgpack.unpackb", "msgpack")),
        ("snappy", "a snappy file", "unpack it first: snzip -d log.snappy"),
        (
            "tfrecord",
            "a TFRecord file",
            "write its events as CSV or JSON lines, by tf.data.TFRecordDataset",
        ),
    ],
)
def test_what_has_no_beginning_of_its_own_is_known_by_its_name(suffix, name, hint):
    assert refusal(f"log.{suffix}", b"\x16\0\0\0\x02a\0") == (name, hint)


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
