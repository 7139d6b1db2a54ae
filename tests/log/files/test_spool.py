import io
import os
import tempfile
import threading
from pathlib import Path

import pytest

from sbrcli.errors import DataError
from sbrcli.log.files.spool import on_disk
from sbrcli.log.reading import read_log


@pytest.fixture(autouse=True)
def temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def give(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))


def test_a_file_is_where_it_is():
    Path("log").touch()
    with on_disk(Path("log")) as path:
        assert path == Path("log")


def test_standard_input_is_kept_while_it_is_read_and_not_longer(
    monkeypatch: pytest.MonkeyPatch, temporary_folder: Path
):
    give(monkeypatch, b"1::2::3::4\n")
    with on_disk(Path("-")) as path:
        assert [len(read_log(path).events) for _ in range(2)] == [1, 1]
    assert not list(temporary_folder.iterdir())


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_read_like_a_file():
    os.mkfifo("pipe")
    writer = threading.Thread(target=lambda: Path("pipe").write_bytes(b"1::2::3::4\n"))
    writer.start()
    with on_disk(Path("pipe")) as path:
        assert len(read_log(path).events) == 1
    writer.join()


def test_errors_speak_of_standard_input(monkeypatch: pytest.MonkeyPatch, temporary_folder: Path):
    give(monkeypatch, b"1::2::3::4\n1::2::3\n")
    with pytest.raises(DataError) as caught, on_disk(Path("-")) as path:
        read_log(path)
    assert str(caught.value) == "standard input line 2: 4 fields expected, 3 found"
    assert not list(temporary_folder.iterdir())


def test_more_than_half_of_the_free_space_is_refused(monkeypatch: pytest.MonkeyPatch):
    class Usage:
        free = 20

    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage)
    give(monkeypatch, b"1::2::3::4\n")
    with pytest.raises(DataError) as caught, on_disk(Path("-")):
        pass
    assert str(caught.value) == (
        "standard input: it fills more than half of the free space for temporary files"
    )
    assert caught.value.hint == (
        "save it to a file and name that; TMPDIR says where temporary files lie"
    )


def test_a_missing_file_is_named():
    with pytest.raises(DataError, match=r"^none: no such file$"), on_disk(Path("none")):
        pass
