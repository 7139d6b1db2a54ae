"""The kinds of files: a new one is a module, and one line here.

The module has two functions:

- `recognise_file(path, config, path_names)` returns the `LogFormat` of a file, whose `kind` is the
  name here; `path_names` are columns whose values the file's path contains. Kinds of text lack it:
  `sbrcli.log.detect` recognises these by their first lines.
- `parse_file(path, log_format, config, used)` returns the used columns, as `Parsed`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from sbrcli.config.reading import ReadConfig
from sbrcli.log.files.opening import explained
from sbrcli.log.files.typed_files import MAGIC_BYTES, name_typed
from sbrcli.log.formats.log_format import LogFormat
from sbrcli.log.formats.parsed import Parsed


@dataclass(frozen=True, slots=True)
class FileKind:
    """A kind of file, and the module that reads it, which is imported only for such a file."""

    module: str
    begins: Callable[[bytes], object] | None = None
    """Whether a file with these first bytes, at most `MAGIC_BYTES`, is of this kind; None for
    text."""


FILE_KINDS = {
    "parquet": FileKind("sbrcli.log.formats.parquet", begins=name_typed),
    "json": FileKind("sbrcli.log.formats.json_lines"),
    "text": FileKind("sbrcli.log.formats.delimited"),
}
"""The kinds by the name that `LogFormat.kind` has."""


def recognise_file(path: Path, config: ReadConfig, path_names: tuple[str, ...]) -> LogFormat | None:
    """Return the format of a file that is not text; None if no kind has such first bytes.

    Raises:
        DataError: it cannot be opened, is damaged, or lacks a column.
        ConfigError: an option is for text alone.
    """
    with explained(path), path.open("rb") as file:
        first_bytes = file.read(MAGIC_BYTES)
    for kind in FILE_KINDS.values():
        if kind.begins is not None and kind.begins(first_bytes):
            return import_module(kind.module).recognise_file(path, config, path_names)
    return None


def parse_file(path: Path, log_format: LogFormat, config: ReadConfig, used: list[str]) -> Parsed:
    """Return the used columns of a file.

    Raises:
        DataError: the file is damaged.
        WrongRowError: a row cannot be parsed.
    """
    module = import_module(FILE_KINDS[log_format.kind].module)
    return module.parse_file(path, log_format, config, used)
