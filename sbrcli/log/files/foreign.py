"""Name the types of files that sbr does not read, with the command that converts each. A type is
detected by the file's first bytes, or else by its name.
"""

import contextlib
import re
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from sbrcli.errors import DataError

FOREIGN_BYTES = 512
"""Number of a file's first bytes that show its type."""


class Foreign(NamedTuple):
    """A type of file.

    Args:
        name: as messages call it.
        way: how to make a readable file of it; {path} stands for its path.
    """

    name: str
    way: str


def _python(line: str, package: str | None = None) -> str:
    needs = f"pip install {package}, then " if package else ""
    return f"write it as CSV or Parquet; {needs}in Python: {line}"


_EXCEL = Foreign("an Excel workbook", "save the sheet with the events as CSV, and name that file")
_OFFICE = Foreign("an office document", "save the table with the events as CSV, and name that file")
_HDF5 = Foreign(
    "an HDF5 file",
    _python("pandas.read_hdf('{path}').to_parquet('log.parquet')", "tables"),
)
_PICKLE = Foreign(
    "a pickle of Python, which can run any program when it is read",
    "only if its source is trusted, in Python: "
    "pandas.read_pickle('{path}').to_parquet('log.parquet')",
)
_NUMPY = Foreign(
    "an array of NumPy",
    "write it as CSV, in Python: numpy.savetxt('log.csv', numpy.load('{path}'), '%s', ',')",
)
_R = Foreign(
    "a file of R", "in R: write.csv(readRDS('{path}'), 'log.csv', row.names = FALSE), or load() it"
)
_STATA = Foreign("a Stata file", _python("pandas.read_stata('{path}').to_parquet('log.parquet')"))
_MATLAB = Foreign("a MATLAB file", _python("scipy.io.loadmat('{path}')", "scipy"))
_HADOOP = Foreign("a sequence file of Hadoop", "write it as text: hadoop fs -text {path} > log.txt")
_RC = Foreign(
    "an RC file of Hive", "write it as ORC or Parquet, in Hive: CREATE TABLE ... AS SELECT"
)

_PYTORCH = Foreign(
    "a file of PyTorch", "write its tensors as columns of a table: torch.load('{path}')"
)
_NPZ = Foreign(
    "a file of NumPy arrays",
    "write them as the columns of a table, in Python: "
    "pandas.DataFrame(dict(numpy.load('{path}'))).to_parquet('log.parquet')",
)
_TAR = Foreign("a tar archive", "unpack it first: tar -xf {path}")
_DUCKDB = Foreign(
    "a DuckDB database", "write its table: duckdb {path} -c \"COPY TABLE_NAME TO 'log.parquet'\""
)

_MAGIC: dict[bytes, Foreign] = {
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": Foreign("an old Excel or Office file", _EXCEL.way),
    b"Obj\x01": Foreign(
        "an Avro file",
        "write it as JSON lines: avro-tools tojson {path} > log.jsonl",
    ),
    b"\x89HDF\r\n\x1a\n": _HDF5,
    b"\x93NUMPY": _NUMPY,
    b"MATLAB 5.0": _MATLAB,
    b"RDX2\n": _R,
    b"RDX3\n": _R,
    b"RDA2\n": _R,
    b"RDA3\n": _R,
    b"X\n\x00\x00\x00": _R,
    b"<stata_dta>": _STATA,
    b"$FL2": Foreign(
        "an SPSS file",
        _python("pandas.read_spss('{path}').to_parquet('log.parquet')", "pyreadstat"),
    ),
    b"\x00" * 12 + b"\xc2\xea\x81\x60": Foreign(
        "a SAS file", _python("pandas.read_sas('{path}').to_parquet('log.parquet')")
    ),
    b"HEADER RECORD*": Foreign(
        "a SAS transport file", _python("pandas.read_sas('{path}').to_parquet('log.parquet')")
    ),
    b"FEA1": Foreign(
        "a Feather file of version 1",
        _python("pandas.read_feather('{path}').to_parquet('log.parquet')"),
    ),
    b"PARE": Foreign("an encrypted Parquet file", "write it without encryption"),
    b"SEQ\x04": _HADOOP,
    b"SEQ\x06": _HADOOP,
    b"RCF\x01": _RC,
    b"PGDMP": Foreign(
        "a dump of PostgreSQL", "restore it, then: psql -c \"\\copy TABLE to 'log.csv' csv header\""
    ),
    b"REDIS": Foreign("a dump of Redis", "write its events as JSON lines or CSV"),
    b"\x00\x01\x00\x00Standard ": Foreign(
        "a database of Access", "write its table as CSV: mdb-export {path} TABLE > log.csv"
    ),
    b"7z\xbc\xaf\x27\x1c": Foreign("a 7z archive", "unpack it first: 7z x {path}"),
    b"Rar!\x1a\x07": Foreign("a rar archive", "unpack it first: unrar x {path}"),
    b"MSCF": Foreign("a cab archive", "unpack it first: cabextract {path}"),
    b"!<arch>\n": Foreign("an ar archive", "unpack it first: ar x {path}"),
    b"\x04\x22\x4d\x18": Foreign("an lz4 file", "unpack it first: lz4 -d {path}"),
    b"\xff\x06\x00\x00sNaPpY": Foreign("a snappy file", "unpack it first: snzip -d {path}"),
    b"LZIP": Foreign("an lzip file", "unpack it first: lzip -d {path}"),
    b"\x89LZO": Foreign("an lzop file", "unpack it first: lzop -d {path}"),
    b"\x1f\x9d": Foreign("a file of compress", "unpack it first: uncompress {path}"),
    b"\x5d\x00\x00": Foreign("an lzma file", "unpack it first: xz -d --format=lzma {path}"),
    b"Salted__": Foreign("a file encrypted by OpenSSL", "decrypt it first: openssl enc -d"),
    b"%PDF": Foreign("a PDF document", "name the file that holds the events"),
    b"\x89PNG": Foreign("a picture", "name the file that holds the events"),
    b"\xff\xd8\xff": Foreign("a picture", "name the file that holds the events"),
    b"GIF8": Foreign("a picture", "name the file that holds the events"),
    b"\x7fELF": Foreign("a program", "name the file that holds the events"),
}
_SQL = Foreign(
    "a script of SQL", "run it in a database, and export the table with the events as CSV"
)
_TEXTS: dict[bytes, Foreign] = {
    b"-----begin pgp": Foreign(
        "a file encrypted by PGP", "decrypt it first: gpg -d {path} > log.csv"
    ),
    b"version https://git-lfs.github.com/": Foreign(
        "a pointer of Git LFS, not the file itself", "fetch the file: git lfs pull"
    ),
    b"<?xml": Foreign("an XML file", "write its events as CSV or JSON lines"),
    b"<!doctype html": Foreign(
        "a web page, as a failed download or a login leaves", "download the file itself"
    ),
    b"<html": Foreign(
        "a web page, as a failed download or a login leaves", "download the file itself"
    ),
    b"-- mysql dump": Foreign(
        "a dump of MySQL", "load it, then: mysql --batch -e 'SELECT * FROM TABLE' > log.tsv"
    ),
    b"-- postgresql database dump": Foreign(
        "a dump of PostgreSQL", "load it, then: psql -c \"\\copy TABLE to 'log.csv' csv header\""
    ),
    b"insert into ": _SQL,
    b"create table ": _SQL,
    b"%%matrixmarket": Foreign(
        "a MatrixMarket file",
        "take its header off: grep -v '^%' {path} | tail -n +2 > log.txt; then read log.txt with "
        "--no-time --no-header --columns user=1,item=2",
    ),
    b"%pdf-": Foreign("a PDF document", "name the file that holds the events"),
}
"""First characters of texts that are no logs, in lower case."""

_SUFFIXES: dict[str, Foreign] = {
    ".br": Foreign("a brotli file", "unpack it first: brotli -d {path}"),
    ".bson": Foreign("a dump of MongoDB", "write it as JSON lines: bsondump {path} > log.jsonl"),
    ".dbf": Foreign("a dBase file", _EXCEL.way),
    ".joblib": _PICKLE,
    ".lzo": Foreign("an lzo file", "unpack it first: lzop -d {path}"),
    ".mat": _MATLAB,
    ".msgpack": Foreign("a MessagePack file", _python("msgpack.unpackb", "msgpack")),
    ".pickle": _PICKLE,
    ".pkl": _PICKLE,
    ".rda": _R,
    ".rdata": _R,
    ".rds": _R,
    ".snappy": Foreign("a snappy file", "unpack it first: snzip -d {path}"),
    ".tfrecord": Foreign(
        "a TFRecord file", "write its events as CSV or JSON lines, by tf.data.TFRecordDataset"
    ),
}
_WITHIN_ZIP = {
    "xl/": _EXCEL,
    "word/": _OFFICE,
    "ppt/": _OFFICE,
    "content.xml": Foreign("an OpenDocument file", _OFFICE.way),
    "Index/Document.iwa": Foreign("a Numbers or Pages document", _OFFICE.way),
}


def refuse_foreign(path: Path, first_bytes: bytes, *, is_text: bool) -> None:
    """Raise DataError if a file has one of these types.

    Args:
        path: the file.
        first_bytes: of its decompressed content; at most `FOREIGN_BYTES`.
        is_text: it seems to be text, which may begin like other files.
    """
    found = _find_text(first_bytes) if is_text else _find_binary(path, first_bytes)
    known = (kind for magic, kind in _MAGIC.items() if first_bytes.startswith(magic))
    may_be_text = is_text and re.match(rb"[ -~]{3}", first_bytes) is not None
    if found is None and not may_be_text:
        found = next(known, None)
    if found is not None:
        raise _refusal(path, found)


def refuse_zipped(path: Path, members: Iterable[str]) -> None:
    """Raise DataError if a zip archive is a document or holds arrays.

    Args:
        path: the archive.
        members: the names in it.
    """
    names = list(members)
    found = next(
        (kind for part, kind in _WITHIN_ZIP.items() if any(n.startswith(part) for n in names)), None
    )
    if any(name.endswith("/data.pkl") for name in names):
        found = _PYTORCH
    if found is None and names and all(name.endswith(".npy") for name in names):
        arrays = ", ".join(name.removesuffix(".npy") for name in names[:5])
        found = _NPZ._replace(name=f"{_NPZ.name} ({arrays})")
    if found is not None:
        raise _refusal(path, found)


def _find_text(first_bytes: bytes) -> Foreign | None:
    text = first_bytes.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return next((kind for magic, kind in _TEXTS.items() if text.startswith(magic)), None)


def _find_binary(path: Path, first_bytes: bytes) -> Foreign | None:
    if first_bytes.startswith(b"SQLite format 3\0"):
        return _sqlite(path)
    if first_bytes[8:12] == b"DUCK":
        return _DUCKDB
    if first_bytes[257:262] == b"ustar":
        return _TAR
    known = any(first_bytes.startswith(magic) for magic in _MAGIC)
    if not known and re.match(rb"\x80[\x02-\x05]", first_bytes):
        return _PICKLE
    return None if known else _SUFFIXES.get(path.suffix.lower())


def _sqlite(path: Path) -> Foreign:
    """Return the type of a SQLite database, with its tables if they can be read."""
    import sqlite3  # every command that reads a log or sessions imports this module

    tables: list[str] = []
    address = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    with (
        contextlib.suppress(sqlite3.Error),
        contextlib.closing(sqlite3.connect(address, uri=True)) as database,
    ):
        rows = database.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")
        tables = [str(name) for (name,) in rows if not str(name).startswith("sqlite_")]
    table = tables[0] if len(tables) == 1 else "TABLE"
    select = f"'SELECT * FROM \"{table}\"'"
    way = f"write its table as CSV: sqlite3 -header -csv {{path}} {select} > log.csv"
    if len(tables) > 1:
        way += f"; its tables: {', '.join(tables[:10])}"
    return Foreign("a SQLite database", way)


def _refusal(path: Path, kind: Foreign) -> DataError:
    way = kind.way.replace("'{path}'", repr(str(path))).replace("{path}", shlex.quote(str(path)))
    return DataError(f"{path} is {kind.name}, which sbr does not read", hint=way)
