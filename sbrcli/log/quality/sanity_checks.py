"""Report possible problems of a log in sentences, each with its figure and a remedy."""

from collections.abc import Iterator

from sbrcli.config.session_rule import SessionRule
from sbrcli.log.columns.times import ORDER
from sbrcli.log.figures import LogStatistics

# Shares from which a warning is worthwhile.
_MANY_TIES = 0.01
_MANY_REPEATS = 0.01
_MANY_NEW_ITEMS = 0.05


def check_statistics(
    statistics: LogStatistics, rule: SessionRule, line_reader: str | None = None
) -> Iterator[str]:
    """Yield warnings about a log before training on it, except for misreadings.

    Args:
        statistics: the figures of the log.
        rule: its session rule.
        line_reader: the command that prints the log's lines, if it is compressed.
    """
    if statistics.time_unit == ORDER:
        yield (
            "The log is read without times: nothing can be split off by days. Use sbr preprocess "
            "--no-time --split last, or --test-log."
        )
    yield from _odd_events(statistics, rule, line_reader)
    yield from _odd_users_and_items(statistics)
    yield from _odd_sessions(statistics, rule)


def _odd_events(
    statistics: LogStatistics, rule: SessionRule, line_reader: str | None
) -> Iterator[str]:
    if statistics.tie_share >= _MANY_TIES:
        of_whom = "session" if statistics.users is None else "user"
        yield (
            f"{_percent(statistics.tie_share)} of the consecutive events of a {of_whom} have the "
            "same time: their order is that of the file. Do not sort the file."
        )
    if statistics.repeat_share >= _MANY_REPEATS:
        yield (
            f"{_percent(statistics.repeat_share)} of the consecutive events of a session repeat "
            "the item before. sbr preprocess --drop-repeats takes them out."
        )
    if statistics.duplicates:
        # Gaps cut a user's events, and never separate events of equal time.
        of_whom = "session" if rule.kind == "column" else "user"
        of_lines = "awk '!seen[$0]++'"
        command = f"{line_reader} LOG | {of_lines}" if line_reader else f"{of_lines} LOG"
        yield (
            f"Exact duplicates (same {of_whom}, item and time as an earlier event): "
            f"{statistics.duplicates:,}. If something was logged twice, "
            f"{command} > CLEAN keeps the first of equal lines."
        )


def _odd_users_and_items(statistics: LogStatistics) -> Iterator[str]:
    users, single = statistics.users, statistics.single_event_users
    if users and single:
        yield (
            f"Users with one event: {single:,} of {users:,} ({_percent(single / users)}). Nothing "
            "follows it, so sbr preprocess leaves them out."
        )
    if users == 1:
        yield "The log has one user. Check which column names the users."
    if statistics.items == 1:
        yield "The log has one item. Check which column names the items."
    if statistics.new_item_share is not None and statistics.new_item_share >= _MANY_NEW_ITEMS:
        yield (
            f"{_percent(statistics.new_item_share)} of the items of the last 30 days were never "
            "seen before: a model trained before them cannot recommend them. Train often."
        )


def _odd_sessions(statistics: LogStatistics, rule: SessionRule) -> Iterator[str]:
    if statistics.session_length.max == 1:
        how = "Check which column names the sessions."
        if statistics.users is not None:
            how = "Try --session user, or --session gap:SECONDS with a longer gap."
        yield f"No session has two events, so nothing can be learned. {how}"
    gap = statistics.suggested_gap_seconds
    if rule.kind == "user" and gap is not None:
        yield (
            f"Users come back: their pauses fall into short and long ones, with few around "
            f"{gap:,} s. --session gap:{gap} makes a session of each visit."
        )


def _percent(share: float) -> str:
    """Return a share in per cent: 0.532 is 53 %, and small shares keep a decimal."""
    return f"{100 * share:.{0 if share >= 0.1 else 1}f} %"
