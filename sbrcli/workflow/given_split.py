"""Check the split options of `sbr preprocess`, and the logs of a split that already exists."""

from dataclasses import dataclass
from pathlib import Path

from sbrcli.artefacts.artefact import check_name
from sbrcli.config.checks import require_option
from sbrcli.config.prepare import PrepareConfig
from sbrcli.config.reading import ReadConfig
from sbrcli.config.training import differences
from sbrcli.dataset.sessionize import require_no_gap
from sbrcli.errors import OptionError


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenSplit:
    """The test and valid logs of a split that already exists."""

    test: Path
    valid: Path | None = None


def check_given_split(
    config: PrepareConfig, reading: ReadConfig, given: GivenSplit | None, name: str | None
) -> None:
    """Raise an error if the options cannot be used together; no file is read."""
    if name is not None:
        check_name("dataset", name)
    _require_company(config, given)
    if reading.no_time:
        _require_no_dates(config, given)


def _require_company(config: PrepareConfig, given: GivenSplit | None) -> None:
    """Raise an error for two splits at once, and for options that the split does not use."""
    if given is None and config.split != "last":
        return
    require_option(
        given is None or config.split == "date",
        "split says how one log is cut, and cannot be combined with --test-log",
        config.split,
    )
    others = differences(config, PrepareConfig())
    if given is None and config.valid_days == 0:  # 0 means no valid split here as well
        others.pop("valid_days")
    instead = "--split last" if given is None else "--test-log"
    for option in ("valid_days", "test_days", "valid_share", "test_share"):
        require_option(
            option not in others,
            f"{option.replace('_', '-')} requires --split date or time, not {instead}",
            f"{others.get(option, 0):g}",
        )


def _require_no_dates(config: PrepareConfig, given: GivenSplit | None) -> None:
    """Raise an error if a log without times is to be split by time."""
    if given is None and config.split != "last":
        raise OptionError(
            f"a log without times cannot be split by {config.split}",
            hint="--split last takes the last events of each session; --test-log FILE is a log "
            "that is test",
        )
    require_no_gap(config.session)
