"""Logs at addresses: s3://, gs://, hdfs://, memory:// and file://."""

import json
import sys
import threading
from pathlib import Path

import pytest
from pyarrow.fs import FileSystem, LocalFileSystem, SubTreeFileSystem

from sbrcli.errors import DataError
from sbrcli.log.files import remote
from sbrcli.log.files.remote import address_of
from sbrcli.log.files.spool import on_disk
from sbrcli.log.reading import read_log

LINES = "user_id,item_id,timestamp\n1,5,1600000000\n1,6,1600000060\n"


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder that holds what the bucket `shop` holds."""
    store = tmp_path / "store"
    (store / "shop").mkdir(parents=True)

    def connect(url: str) -> tuple[FileSystem, str]:
        filesystem = SubTreeFileSystem(str(store), LocalFileSystem())
        return filesystem, url.partition("://")[2]

    monkeypatch.setattr(remote, "connect", connect)
    return store / "shop"


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("s3://shop/log.csv", "s3://shop/log.csv"),
        ("S3://shop/day=1/log.csv", "s3://shop/day=1/log.csv"),
        ("hdfs://name:8020/log.csv", "hdfs://name:8020/log.csv"),
        ("file:///data/log.csv", "file:///data/log.csv"),
        ("https://host/log.csv", None),
        ("C:/data/log.csv", None),
        ("data/log.csv", None),
        ("-", None),
    ],
)
def test_an_address_survives_as_a_path(path, url):
    assert address_of(Path(path)) == url


def test_a_file_at_an_address_is_copied_while_it_is_read(bucket):
    (bucket / "log.csv").write_text(LINES)
    with on_disk(Path("s3://shop/log.csv")) as copy:
        assert copy.name == "log.csv"
        assert len(read_log(copy).events) == 2
    assert not copy.exists()


def test_a_folder_at_an_address_keeps_its_paths(bucket):
    for day in (1, 2):
        (bucket / f"logs/kind={day}").mkdir(parents=True)
        (bucket / f"logs/kind={day}/part.csv").write_text(LINES)
    with on_disk(Path("gs://shop/logs")) as copy:
        paths = sorted(str(path.relative_to(copy)) for path in copy.rglob("*.csv"))
        assert paths == ["kind=1/part.csv", "kind=2/part.csv"]
        assert len(read_log(copy).events) == 4


def test_an_error_in_a_log_names_its_address(bucket):
    (bucket / "log.csv").write_text(LINES + "2,7,tomorrow\n")
    with (
        pytest.raises(DataError, match=r"s3://shop/log\.csv line 4: "),
        on_disk(Path("s3://shop/log.csv")) as copy,
    ):
        read_log(copy)


def test_what_is_not_there_is_named(bucket):
    with pytest.raises(DataError) as raised, on_disk(Path("s3://shop/none.csv")):
        pass
    assert str(raised.value) == "s3://shop/none.csv: no such file"
    assert raised.value.hint == "check the name, and what comes before it"


def test_a_log_larger_than_the_space_for_temporary_files_is_refused(bucket, monkeypatch):
    (bucket / "log.csv").write_text(LINES)
    usage = type("Usage", (), {"free": 20})
    monkeypatch.setattr("sbrcli.log.files.spool.shutil.disk_usage", lambda _: usage)
    with pytest.raises(DataError) as raised, on_disk(Path("s3://shop/log.csv")):
        pass
    assert str(raised.value) == (
        "s3://shop/log.csv: it fills more than half of the free space for temporary files"
    )


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        (
            "s3://shop/log.csv",
            "check the address and set AWS_PROFILE or AWS_ACCESS_KEY_ID, and AWS_REGION; or pipe "
            "it: aws s3 cp s3://shop/log.csv - | sbr stats -",
        ),
        (
            "hdfs://name/log.csv",
            "check the address and set HADOOP_HOME and JAVA_HOME; or pipe it: hdfs dfs -cat "
            "hdfs://name/log.csv | sbr stats -",
        ),
        ("memory://log.csv", "check the address"),
    ],
)
def test_an_address_that_cannot_be_reached_is_one_line_with_the_remedy(sbr, monkeypatch, url, hint):
    def connect(_: str) -> None:
        raise OSError("Could not resolve host: shop\nwhere it was looked up")

    monkeypatch.setattr(remote, "connect", connect)
    for command in ("stats", "preprocess"):
        said = sbr(command, url, "--json")
        assert (said.stdout, said.code) == ("", 3)
        assert said.stderr == f"error: {url}: Could not resolve host: shop\nhint: {hint}\n"


def test_a_long_message_of_a_client_is_cut(monkeypatch):
    def connect(_: str) -> None:
        raise OSError("no " * 100)

    monkeypatch.setattr(remote, "connect", connect)
    with pytest.raises(DataError) as raised, on_disk(Path("gs://shop/log.csv")):
        pass
    assert str(raised.value) == f"gs://shop/log.csv: {'no ' * 83}n..."


def test_an_address_that_does_not_answer_is_given_up(monkeypatch):
    monkeypatch.setattr(remote, "_SECONDS", 0.2)
    never = threading.Event()
    monkeypatch.setattr(remote, "connect", lambda _: never.wait(600))
    with pytest.raises(DataError) as raised, on_disk(Path("gs://shop/log.csv")):
        pass
    never.set()
    assert str(raised.value) == "gs://shop/log.csv: no answer within 0.2 seconds"
    assert raised.value.hint == (
        "check the network and the address; or pipe it: gcloud storage cat gs://shop/log.csv | sbr "
        "stats -"
    )


def test_a_missing_package_is_named(monkeypatch):
    for name in ("fsspec", "fsspec.core"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(DataError) as raised, on_disk(Path("memory://log.csv")):
        pass
    assert str(raised.value) == "memory://log.csv: no installed package reads such addresses"
    assert raised.value.hint == "pip install fsspec"


def test_fsspec_reads_what_pyarrow_does_not():
    fsspec = pytest.importorskip("fsspec")
    store = fsspec.filesystem("memory")
    store.pipe_file("/sbr-test/log.csv", LINES.encode())
    try:
        with on_disk(Path("memory://sbr-test/log.csv")) as copy:
            assert len(read_log(copy).events) == 2
    finally:
        store.rm("/sbr-test", recursive=True)


def test_the_commands_take_addresses(sbr, bucket, tmp_path):
    rows = [
        f"{user},{item},{1_600_000_000 + at}" for at, (user, item) in enumerate([(1, 5), (1, 6)])
    ]
    text = "\n".join(["user_id,item_id,timestamp", *rows, ""])
    (bucket / "log.csv").write_text(text)
    (tmp_path / "a log.csv").write_text(text)
    by_address = sbr("stats", "s3://shop/log.csv", "--json")
    assert json.loads(by_address.stdout)["events"] == 2
    by_file = sbr("stats", f"file://{tmp_path}/a%20log.csv", "--json")
    assert by_file.stdout == by_address.stdout
    words = ("--min-item-support", 1, "--test-days", 0, "--valid-days", 0, "--json")
    made = json.loads(sbr("preprocess", "s3://shop/log.csv", *words).stdout)
    manifest = json.loads((Path(made["dataset"]) / "manifest.json").read_text())
    assert manifest["source"]["name"] == "log.csv"
    again = sbr("preprocess", "s3://shop/log.csv", *words)
    assert "already exists" in again.stderr
