"""The output seam: results on stdout, everything said along the way on stderr.

A result is a frozen dataclass of plain values. A person sees Rich tables, a pipe gets
tab-separated values, `--json` gives the dataclass as one document.
"""

import codecs
import json
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from typing import IO, Any, TypeVar

from sbrcli.cli.escapes import UNSAFE, printable
from sbrcli.cli.tables import Remark, Table, tsv_lines
from sbrcli.cli.wrapping import stderr_width, wrap_words
from sbrcli.errors import ArtefactError

Result = TypeVar("Result")
Advance = Callable[..., None]
"""Called with the number of units just done, and with figures to show by keyword."""


_BAR = "{l_bar}{bar}| {n_fmt}/{total_fmt}{unit} [{elapsed}<{remaining}{postfix}"
_RATE = ", {rate_noinv_fmt}]"
"""A bar's parts; the speed is shown where more than a few are counted."""


@dataclass(frozen=True, slots=True)
class Output:
    """Where a command's words go; `as_json` and `quiet` as the user asked."""

    as_json: bool = False
    quiet: bool = False

    def show(self, result: Result, tables: Callable[[Result], Iterable[Table | Remark]]) -> None:
        """Print a command's result: JSON, or the tables made of it; remarks on a terminal alone."""
        if self.as_json:
            self.write_json(asdict(result))  # pyright: ignore[reportArgumentType]
        elif is_terminal(sys.stdout):
            from sbrcli.cli.terminal_tables import print_table

            for table in tables(result):
                with _refusing_results():
                    print_table(table)
        else:
            found = [table for table in tables(result) if isinstance(table, Table)]
            blocks = ["\n".join(tsv_lines(table)) for table in found]
            self.write_line("\n\n".join(blocks))

    def show_page(self, page: Any) -> None:
        """Print a page of Markdown, which is the `text` of a dataclass: formatted on a terminal."""
        if self.as_json:
            self.write_json(asdict(page))
        elif is_terminal(sys.stdout):
            from sbrcli.cli.terminal_pages import print_page

            with _refusing_results():
                print_page(page.text)
        else:
            self.write_line(page.text.rstrip("\n"))

    def write_line(self, text: str) -> None:
        """Write one line of result to stdout, at once.

        Raises:
            ArtefactError: stdout takes it no more, as a file on a full disk.
            BrokenPipeError: whoever read it has left.
        """
        with _refusing_results():
            _write(sys.stdout, text + "\n")

    def write_json(self, document: Any) -> None:
        """Write a document to stdout as one line of JSON in UTF-8, whatever the locale's encoding.

        Raises:
            ArtefactError: stdout takes it no more, as a file on a full disk.
            BrokenPipeError: whoever read it has left.
        """
        line = to_json(document) + "\n"
        buffer = getattr(sys.stdout, "buffer", None)
        with _refusing_results():
            if buffer is None or _is_utf8(sys.stdout):
                _write(sys.stdout, line)
            else:  # UTF-16 and EBCDIC write even ASCII as other bytes
                sys.stdout.flush()
                buffer.write(line.encode("ascii"))
                buffer.flush()

    def note(self, text: str) -> None:
        """Write a note to stderr; `--quiet` silences it."""
        if not self.quiet:
            lines = "\n".join(map(printable, text.split("\n")))
            _say((wrap_words(lines, stderr_width()) if is_terminal(sys.stderr) else lines) + "\n")

    def warn(self, text: str) -> None:
        """Write a warning to stderr, also under `--quiet`."""
        write_labelled("warning", text, "yellow")

    @contextmanager
    def progress(self, total: int | None, unit: str, description: str) -> Iterator[Advance]:
        """Show a bar on stderr while the body runs, on a terminal and unless `--quiet`.

        Args:
            total: how many units there are, or None where nobody knows.
            unit: what is counted, in the plural, as in "events".
            description: what is going on, before the bar.
        """
        if self.quiet or not is_terminal(sys.stderr):
            yield lambda _done, **_figures: None
            return
        from tqdm import tqdm

        is_many = total is None or total >= 1000
        with tqdm(
            total=total,
            desc=description,
            unit=f" {unit}",
            unit_scale=is_many,
            bar_format=None if total is None else _BAR + (_RATE if is_many else "]"),
            leave=False,
            dynamic_ncols=True,
            file=sys.stderr,
        ) as bar:

            def advance(done: int, **figures: object) -> None:
                bar.set_postfix(figures, refresh=False) if figures else None
                bar.update(done)

            with _moving_by_time(bar):
                yield advance


@contextmanager
def _moving_by_time(bar: Any) -> Iterator[None]:
    """Draw a bar anew twice a second, so that its clock shows that something goes on."""
    is_over = threading.Event()

    def draw() -> None:
        while not is_over.wait(0.5):
            bar.refresh()

    thread = threading.Thread(target=draw, daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def is_terminal(stream: IO[str]) -> bool:
    """Return whether a person looks at the stream."""
    return stream.isatty()


def open_closed_streams() -> None:
    """Where stderr was closed, say nothing; else the next file opened would be taken for it.

    Raises:
        ArtefactError: stdout was closed, so that there is no place for results.
    """
    if sys.stderr is None:
        sys.stderr = _nowhere(2)
    if sys.stdout is None:
        sys.stdout = _nowhere(1)
        raise ArtefactError(
            "cannot write the results to stdout: it is closed",
            hint="send it to a file, or to /dev/null where they are not wanted",
        )


def give_up_stdout() -> None:
    """Let go of what stdout did not take; Python would complain of it once more at exit."""
    _nowhere(sys.stdout.fileno())


def to_json(document: Any) -> str:
    """Write a document as one line of JSON; a number that JSON lacks is a bug.

    What would act on a terminal is written as JSON's escape of it, and so is half a surrogate
    pair, which is no UTF-8: a program reads what was meant. Where stdout has another encoding
    than UTF-8, all but ASCII is escaped, so that the document is UTF-8 in any case.
    """
    if not _is_utf8(sys.stdout):
        return json.dumps(document, allow_nan=False)
    text = json.dumps(document, ensure_ascii=False, allow_nan=False)
    return text if text.isprintable() else UNSAFE.sub(lambda c: json.dumps(c[0])[1:-1], text)


def write_labelled(label: str, text: str, style: str) -> None:
    """Write `label: text` to stderr, the label coloured on a terminal."""
    if is_terminal(sys.stderr):
        from rich.console import Console
        from rich.text import Text

        start = f"{label}:"
        wrapped = wrap_words(f"{start} {printable(text)}", stderr_width())
        line = Text.assemble((start, f"bold {style}"), wrapped.removeprefix(start))
        Console(stderr=True).print(line, soft_wrap=True, highlight=False)
    else:
        _say(f"{label}: {printable(text)}\n")


@contextmanager
def _refusing_results() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        give_up_stdout()
        raise ArtefactError(
            f"cannot write the results to stdout: {error.strerror}",
            hint="free some space or send them elsewhere",
        ) from error


def _is_utf8(stream: IO[str]) -> bool:
    try:
        return codecs.lookup(getattr(stream, "encoding", None) or "ascii").name == "utf-8"
    except LookupError:
        return False


def _say(text: str) -> None:
    # What stderr does not take can be said nowhere, and the results matter more.
    with suppress(OSError):
        _write(sys.stderr, text)


def _nowhere(descriptor: int) -> IO[str]:
    """Open a stream of that number that takes everything and keeps nothing."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    if nothing != descriptor:
        os.dup2(nothing, descriptor)
        os.close(nothing)
    return open(descriptor, "w", encoding="utf-8", closefd=False)


def _write(stream: IO[str], text: str) -> None:
    """Write and flush; a character that the stream's encoding lacks is written as an escape."""
    try:
        stream.write(text)
    except UnicodeEncodeError:
        encoding = getattr(stream, "encoding", None) or "ascii"
        stream.write(text.encode(encoding, errors="backslashreplace").decode(encoding))
    stream.flush()
