"""The options of `sbr serve`: where it listens, and its limits."""

from dataclasses import dataclass
from pathlib import Path

from sbrcli.config.options import Options, option

LIMITS = "Limits"
SECURITY = "Security"


@dataclass(frozen=True, kw_only=True)
class ServeConfig(Options):
    """Where `sbr serve` listens, what it accepts, and how much."""

    host: str = option("127.0.0.1", "Address to listen on.", metavar="ADDRESS")
    port: int = option(
        8000, "Port to listen on; 0 takes a free one.", metavar="N", minimum=0, maximum=65_535
    )
    workers: int = option(1, "Processes that answer requests.", metavar="N", minimum=1, maximum=64)
    follow: bool = option(
        False, "Change to a newer complete run as soon as there is one, without interruption."
    )
    items_table: Path | None = option(
        None,
        "Table of the items' attributes, as of sbr recommend, for the fields where and max_per of "
        "requests; with --follow it is read again when it changes.",
        metavar="FILE",
    )
    log_requests: bool = option(False, "Write one JSON line per request to stderr.")
    token_file: Path | None = option(
        None,
        "File with a token that requests must carry (Authorization: Bearer TOKEN); the environment "
        "variable SBR_TOKEN may hold the token instead.",
        metavar="FILE",
        panel=SECURITY,
    )
    cors: str | None = option(
        None,
        "Origins whose pages may send requests, separated by commas, as in https://shop.example.",
        metavar="ORIGINS",
        panel=SECURITY,
    )
    max_waiting: int = option(
        1024,
        "Requests that may wait for an answer; further ones get status 429.",
        metavar="N",
        panel=LIMITS,
        minimum=1,
    )
    max_body: int = option(
        1 << 20,
        "Maximum size of a request's body in bytes; a larger one gets status 413.",
        metavar="N",
        panel=LIMITS,
        minimum=1,
    )
    deadline: float = option(
        5.0,
        "Seconds within which a request must be answered; otherwise it gets status 503.",
        metavar="X",
        panel=LIMITS,
        above=0,
        maximum=3600,
    )
    session_minutes: float = option(
        30.0,
        "Minutes after which a session without events is forgotten.",
        metavar="X",
        panel=LIMITS,
        above=0,
    )
    max_sessions: int = option(
        100_000,
        "Sessions that are remembered; the least recently used one is forgotten first.",
        metavar="N",
        panel=LIMITS,
        minimum=1,
    )
