"""The figures of a log, as `sbr stats` reports them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SessionLength:
    """Events in a session; `q999` is the 99.9 % quantile, interpolated linearly."""

    min: int
    median: float
    mean: float
    q999: float
    max: int


@dataclass(frozen=True, slots=True)
class TimeRange:
    """The first and the last event's time, ISO 8601 with offset; None in a log without times."""

    first: str | None
    last: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogStatistics:
    """A log in figures; as a dict it is the JSON of `sbr stats`. Shares lie in 0..1."""

    events: int
    users: int | None
    """None if the log has no users."""

    items: int
    sessions: int
    density: float
    """Share of all (user, item) pairs that occur, or of (session, item) pairs without users."""

    session_length: SessionLength
    time: TimeRange
    time_unit: str
    """Unit of the times in the log: one of `--time-unit`, "iso" for written dates, or "order" for a
    log without times."""

    bad_rows: int
    """Number of bad rows left out, which needs `--skip-bad-rows`."""

    tie_share: float
    """Share of consecutive events of a user (without users: of a session) with equal times."""

    repeat_share: float
    """Share of consecutive events of a session with the same item."""

    duplicates: int
    """Number of events that equal an earlier one in session, item and time."""

    single_event_users: int | None
    ratings: dict[str, int] | None
    """Events by rating; None without ratings, or with more than 100 different ones."""

    event_kinds: dict[str, int] | None
    """Number of events of each type, including those that `--event` leaves out, "" for no type;
    None if the log has no types, or more than 100."""

    suggested_gap_seconds: int | None
    """See `sbrcli.log.quality.gap_suggestion`; also None if the log has session ids or no users."""

    new_item_share: float | None
    """Share of the items of the last 30 days that did not occur before; None for shorter logs."""

    warnings: tuple[str, ...] = ()
