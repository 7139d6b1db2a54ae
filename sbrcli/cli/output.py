"""Write results to stdout, and notes, warnings and progress to stderr.

A result is a frozen dataclass of plain values. A terminal gets Rich tables, a pipe gets
tab-separated values, and `--json` prints the dataclass as one document.
"""

import codecs
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from typing import IO, Any, TypeVar

from sbrcli.cli.bar_pace import Pace, calling_often
from sbrcli.cli.escapes import UNSAFE, printable
from sbrcli.cli.tables import Remark, Table, tsv_lines
from sbrcli.cli.wrapping import stderr_width, wrap_words
from sbrcli.errors import ArtefactError
from sbrcli.reporter import Advance, ignore_progress

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Output:
    """The output of a command, and the `Reporter` of its use case.

    `as_json` and `quiet` are the user's choice.
    """

    as_json: bool = False
    quiet: bool = False

    def show(self, result: Result, tables: Callable[[Result], Iterable[Table | Remark]]) -> None:
        """Print a command's result as JSON or as tables; remarks are printed on a terminal only."""
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
            if blocks:
                self.write_line("\n\n".join(blocks))

    def show_page(self, page: Any) -> None:
        """Print a page, whose `text` is Markdown: as JSON, formatted on a terminal, or as it is."""
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
            ArtefactError: stdout cannot be written, such as a file on a full disk.
            BrokenPipeError: the reader has closed the pipe.
        """
        with _refusing_results():
            _write(sys.stdout, text + "\n")

    def write_json(self, document: Any) -> None:
        """Write a document to stdout as one line of JSON in UTF-8, whatever the locale's encoding.

        Raises:
            ArtefactError: stdout cannot be written, such as a file on a full disk.
            BrokenPipeError: the reader has closed the pipe.
        """
        line = to_json(document) + "\n"
        buffer = getattr(sys.stdout, "buffer", None)
        with _refusing_results():
            if buffer is None or _is_utf8(sys.stdout):
                _write(sys.stdout, line)
            else:  # UTF-16 and EBCDIC encode even ASCII differently
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

    def event(self, event: object) -> None:
        """Take an event and show nothing; commands that show events wrap their output."""

    @contextmanager
    def progress(self, total: int | None, unit: str, description: str) -> Iterator[Advance]:
        """Show a progress bar on stderr while the body runs, on a terminal and without `--quiet`.

        Args:
            total: the number of units, or None if it is unknown.
            unit: the name of the units in the plural, such as "events".
            description: the text before the bar.
        """
        if self.quiet or not is_terminal(sys.stderr):
            yield ignore_progress
            return
        from sbrcli.cli.fitting_bar import FittingBar

        is_many = total is None or total >= 1000
        with FittingBar(
            total=total,
            desc=description,
            unit=f" {unit}",
            unit_scale=is_many,
            leave=False,
            dynamic_ncols=True,
            file=sys.stderr,
            has_rate=is_many,
        ) as bar:
            pace = Pace(bar, is_steady=is_many and total is not None)
            with calling_often(pace.draw):
                yield pace.advance


def is_terminal(stream: IO[str]) -> bool:
    """Return whether the stream is a terminal."""
    return stream.isatty()


def open_closed_streams() -> None:
    """Replace closed standard streams; otherwise, the next file opened would take their number.

    Raises:
        ArtefactError: stdout was closed, so that results cannot be written.
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
    """Discard what stdout did not accept; Python would report it again at exit."""
    _nowhere(sys.stdout.fileno())


def to_json(document: Any) -> str:
    """Return a document as one line of JSON; NaN and infinity are bugs.

    Characters that act on a terminal are escaped, and so are lone surrogates, which UTF-8 cannot
    encode; a program reads the original text. If the encoding of stdout is not UTF-8, everything
    but ASCII is escaped, so that the document is always UTF-8.
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
        with _above_bars():
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
    # There is nowhere to report an error of stderr, and the results matter more.
    with suppress(OSError), _above_bars():
        _write(sys.stderr, text)


@contextmanager
def _above_bars() -> Iterator[None]:
    """Clear the progress bars of stderr while the body writes lines, and draw them again below."""
    bars = sys.modules.get("sbrcli.cli.fitting_bar")
    if bars is None:  # none was ever drawn
        yield
        return
    with bars.FittingBar.external_write_mode(file=sys.stderr):
        yield


def _nowhere(descriptor: int) -> IO[str]:
    """Open a stream with this descriptor that discards everything."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    if nothing != descriptor:
        os.dup2(nothing, descriptor)
        os.close(nothing)
    return open(descriptor, "w", encoding="utf-8", closefd=False)


def _write(stream: IO[str], text: str) -> None:
    """Write and flush; characters that the stream cannot encode are escaped."""
    try:
        stream.write(text)
    except UnicodeEncodeError:
        encoding = getattr(stream, "encoding", None) or "ascii"
        stream.write(text.encode(encoding, errors="backslashreplace").decode(encoding))
    stream.flush()
