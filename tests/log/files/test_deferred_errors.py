import pytest

from sbrcli.log.files.deferred_errors import errors_deferred


class Failing:
    """A file that fails at its second reading."""

    times = 0

    def read(self, size: int) -> bytes:
        self.times += 1
        if self.times == 2:
            raise EOFError("cut")
        return b"a" * size


def test_a_file_that_fails_ends_and_its_error_comes_after():
    read = []
    with pytest.raises(EOFError, match="cut"), errors_deferred(Failing()) as source:
        read += [source.read(2), source.read(2), source.read(2)]
        raise ValueError("what the reader says of the cut")
    assert read == [b"aa", b"", b""]


def test_a_file_is_not_read_where_too_little_memory_is_left(monkeypatch: pytest.MonkeyPatch):
    def refuse(*_arguments: int) -> None:
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr("sbrcli.log.files.deferred_errors.mmap.mmap", refuse)
    with pytest.raises(MemoryError), errors_deferred(Failing()):
        pytest.fail("the body is not entered")
