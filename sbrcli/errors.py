"""What can go wrong, as a user sees it: one kind of error for each exit code."""

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
    """An error that a user can understand and mend.

    Args:
        message: where, what is wrong, and what was received; one line.
        hint: what to do about it; one line, or None.
    """

    exit_code = ExitCode.BUG

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(SbrError):
    """The words of the command do not fit together."""

    exit_code = ExitCode.USAGE


class DataError(SbrError):
    """A log cannot be read, or holds too little for what was asked."""

    exit_code = ExitCode.DATA


class ConfigError(SbrError):
    """An option has a value that cannot be used."""

    exit_code = ExitCode.CONFIG


class OptionError(ConfigError):
    """Options cannot be combined, or a value is not a number or none of an option's choices.

    The command line alone shows it, as it shows an unknown option, so the exit code is the same.
    """

    exit_code = ExitCode.USAGE


class ArtefactError(SbrError):
    """A dataset or a run is missing, damaged, in the way, or of another version."""

    exit_code = ExitCode.ARTEFACT


class TrainingError(SbrError):
    """Training could not go on."""

    exit_code = ExitCode.TRAINING


class InterruptionError(SbrError):
    """The user pressed Ctrl-C, and there is something to say about how to go on."""

    exit_code = ExitCode.INTERRUPTED
