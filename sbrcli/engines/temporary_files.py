"""Files that appear whole, by one rename, whoever writes them and how often."""

import secrets
from pathlib import Path


class replacing:  # noqa: N801
    """Yield a temporary path to write; rename it to the final path at the end.

    Two attempts at one file, on one machine or on two, do not disturb each other.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")

    def __enter__(self) -> Path:
        return self._temporary

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._temporary.replace(self._path)
        else:
            self._temporary.unlink(missing_ok=True)


def delete_temporary(folder: Path) -> None:
    """Delete what killed processes have left in a folder and in those below it."""
    for path in folder.rglob(".*.tmp"):
        path.unlink(missing_ok=True)
