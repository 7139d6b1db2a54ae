"""The errors that a user sees, one class for each exit code."""

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of `sbr`; scripts rely on them."""

    OK = 0
    BUG = 1
    USAGE = 2
    DATA = 3
    CONFIG = 4
    ARTEFACT = 5
    TRAINING = 6
    INTERRUPTED = 130


class SbrError(Exception):
    """An error that a user can understand and correct.

    Args:
        message: where, what is wrong, and what was received; one line.
        hint: what to do about it; one line, or None.
    """

    exit_code = ExitCode.BUG

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(SbrError):
    """Unknown or conflicting options, or wrong arguments."""

    exit_code = ExitCode.USAGE


class DataError(SbrError):
    """A log cannot be read, or contains too little for the command."""

    exit_code = ExitCode.DATA


class ConfigError(SbrError):
    """The value of an option cannot be used."""

    exit_code = ExitCode.CONFIG


class OptionError(ConfigError):
    """Options cannot be combined, or a value is not a number or none of an option's choices.

    It is visible on the command line alone, like an unknown option, and has the same exit code.
    """

    exit_code = ExitCode.USAGE


class ArtefactError(SbrError):
    """A dataset or a run is missing, damaged, of another version, or already exists."""

    exit_code = ExitCode.ARTEFACT


class TrainingError(SbrError):
    """Training failed."""

    exit_code = ExitCode.TRAINING


class WorkerLostError(TrainingError):
    """One of several processes that train together has died, or cannot be reached."""


class EngineError(SbrError):
    """A process that worked on a part of a log has died, or all workers of a cluster."""

    exit_code = ExitCode.TRAINING


class InterruptionError(SbrError):
    """The user pressed Ctrl-C; the hint says how to continue."""

    exit_code = ExitCode.INTERRUPTED
