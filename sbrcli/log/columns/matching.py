"""Match the columns of a log to roles, by known names or as the user gives them."""

from collections import Counter
from collections.abc import Mapping, Sequence

from sbrcli.errors import DataError
from sbrcli.log.columns.names import (
    COLUMN_NAMES,
    DAYS,
    LISTS,
    MORE_NAMES,
    ORDERS,
    SESSION_NUMBERS,
    all_names,
    is_known_name,
    normalised,
)
from sbrcli.log.events import (
    EVENT,
    ITEM_ID,
    RATING,
    SESSION_ID,
    TIME_OF_DAY,
    TIME_PARTS,
    TIMESTAMP,
    USER_ID,
)

ROLE_NAMES = {
    USER_ID: "user",
    SESSION_ID: "session",
    ITEM_ID: "item",
    TIMESTAMP: "time",
    EVENT: "event",
    RATING: "rating",
    TIME_OF_DAY: "milliseconds within the day",
}
"""Names of the columns for users; `--columns` accepts all but the last."""


def _normalised_names(names: Sequence[str]) -> list[str]:
    return [normalised(name) for name in names]


def _plain_names(names: Sequence[str]) -> list[str]:
    """Return normalised names; of a.user_id the last part, if that is known."""
    whole = [normalised(name) for name in names]
    lasts = [normalised(name.rpartition(".")[2]) for name in names]
    return [
        last if not is_known_name(name) and is_known_name(last) and lasts.count(last) == 1 else name
        for name, last in zip(whole, lasts, strict=True)
    ]


def listed(fields: Sequence[str]) -> str:
    """Join at most twenty fields for a message, each cut at 40 characters."""
    shown = [field if len(field) <= 40 else f"{field[:37]}..." for field in fields[:20]]
    more = f", and {len(fields) - 20} more" if len(fields) > 20 else ""
    return ", ".join(shown) + more


def with_path_names(names: Sequence[str], path_names: Sequence[str]) -> list[str]:
    """Return a file's column names, followed by those of its path that the file lacks."""
    plain = {normalised(name) for name in names}
    return [*names, *(name for name in path_names if normalised(name) not in plain)]


def split_time(name: str, names: Sequence[str]) -> list[str]:
    """Return the columns of the time: date+time means two, unless one has that name."""
    pieces = [piece.strip() for piece in name.split("+")]
    if name in names or len(pieces) > 1 + len(TIME_PARTS) or not all(pieces):
        return [name]
    return pieces


def named_by_place(names: Sequence[str], wanted: Mapping[str, str]) -> dict[str, str]:
    """Replace column numbers, counted from 1, by names, if no name is a number."""
    if any(name.isdecimal() for name in names):
        return dict(wanted)
    places = {str(number): name for number, name in enumerate(names, start=1)}
    return {
        role: "+".join(places.get(one, one) for one in split_time(name, names))
        if role == "time"
        else places.get(name, name)
        for role, name in wanted.items()
    }


def match_columns(
    names: Sequence[str], wanted: Mapping[str, str], *, by_last_part: bool = False
) -> dict[str, int]:
    """Find the place of each known column among a log's names.

    Args:
        names: as in the log.
        wanted: names that the user gave, by "user", "item" and so on; they take precedence.
        by_last_part: whether an unknown name such as a.user_id counts as user_id.

    Returns:
        Places by column of the event table, without wanted names that do not exist.
    """
    plain = (_plain_names if by_last_part else _normalised_names)(names)
    found: dict[str, int] = {}
    for column, role in ROLE_NAMES.items():
        if role in wanted:
            asked = split_time(wanted[role], names) if column == TIMESTAMP else [wanted[role]]
            places = [p for name in asked if (p := _find_name(name, names, plain)) is not None]
            if len(places) == len(asked):
                found |= dict(zip((column, *TIME_PARTS), places, strict=False))
    for column, aliases in COLUMN_NAMES.items():
        places = [plain.index(alias) for alias in aliases if alias in plain]
        free = [place for place in places if place not in found.values()]
        if free and ROLE_NAMES[column] not in wanted:
            found[column] = free[0]
    _match_more(plain, wanted, found)
    if "time" in wanted or TIMESTAMP not in found or plain[found[TIMESTAMP]] != "eventdate":
        found.pop(TIME_OF_DAY, None)
    elif "user" not in wanted and SESSION_ID in found:
        # Diginetica has user ids in a few rows only.
        found.pop(USER_ID, None)
    return found


def _find_name(name: str, names: Sequence[str], plain: Sequence[str]) -> int | None:
    if name in names:
        return names.index(name)
    return plain.index(normalised(name)) if normalised(name) in plain else None


def _match_more(plain: Sequence[str], wanted: Mapping[str, str], found: dict[str, int]) -> None:
    """Add columns with less common names to those found."""
    for column, aliases in MORE_NAMES.items():
        owners = {USER_ID, SESSION_ID} if column in (USER_ID, SESSION_ID) else {column}
        if owners & set(found) or ROLE_NAMES[column] in wanted:
            continue
        places = (plain.index(alias) for alias in aliases if alias in plain)
        free = [place for place in places if place not in found.values()]
        if free:
            found[column] = free[0]


def other_columns(names: Sequence[str], columns: Sequence[str | None]) -> dict[str, list[str]]:
    """Return the unused columns of a log whose names could be those of items, times or sessions.

    Args:
        names: as in the log.
        columns: for each name, its column of the event table, or None if unused.

    Returns:
        Names by role, without roles that have none.
    """
    unused = [
        (name, normalised(name))
        for name, column in zip(names, columns, strict=False)  # there are no names without a header
        if column is None
    ]
    roles = {role: all_names(role) for role in (ITEM_ID, TIMESTAMP) if role in columns}
    if USER_ID in columns and SESSION_ID not in columns:
        roles[SESSION_ID] = {*all_names(SESSION_ID), *SESSION_NUMBERS}
    others = {
        ROLE_NAMES[role]: [name for name, plain in unused if plain in aliases]
        for role, aliases in roles.items()
    }
    return {role: found for role, found in others.items() if found}


def without_time(columns: Mapping[str, int]) -> dict[str, int]:
    """Return the places of all columns except those of the time."""
    parts = (TIMESTAMP, *TIME_PARTS, TIME_OF_DAY)
    return {column: place for column, place in columns.items() if column not in parts}


def check_columns(
    where: str,
    names: Sequence[str],
    columns: Mapping[str, int],
    wanted: Mapping[str, str],
    *,
    needs_time: bool = True,
) -> None:
    """Check that a log has a user or session, an item and a time, each of them unambiguous.

    Args:
        where: the log, as messages begin with it.
        names: as in the log.
        columns: places by the column of the event table.
        wanted: names that the user gave.
        needs_time: whether a log without times is refused.

    Raises:
        DataError: one is missing or ambiguous; the message lists the columns.
    """
    for column, role in ROLE_NAMES.items():
        if role in wanted and column not in columns:
            asked = split_time(wanted[role], names) if role == "time" else [wanted[role]]
            plain = [normalised(name) for name in names]
            missing = next(one for one in asked if _find_name(one, names, plain) is None)
            raise DataError(
                f"{where}: no column named {missing}; found {listed(names)}",
                hint=f"--columns {role}=NAME takes one of these",
            )
    lacks = [] if {USER_ID, SESSION_ID} & set(columns) else ["user or session"]
    lacks += ["item"] if ITEM_ID not in columns else []
    lacks += ["time"] if TIMESTAMP not in columns and needs_time else []
    if lacks:
        raise DataError(
            f"{where}: no column for the {' and the '.join(lacks)}; found {listed(names)}",
            hint=_hint_of_missing(lacks, names, needs_time=needs_time),
        )
    counts = Counter(normalised(name) for name in names)
    exact = Counter(names)
    for column, position in columns.items():
        name = names[position]
        role = "time" if column in TIME_PARTS else ROLE_NAMES[column]
        by_name = role in wanted and exact[name] == 1
        if counts[normalised(name)] > 1 and not by_name:
            raise DataError(
                f"{where}: two columns are named {name}; found {listed(names)}",
                hint="rename all but one of them",
            )


def _hint_of_missing(lacks: Sequence[str], names: Sequence[str], *, needs_time: bool) -> str:
    """Return the hint for missing columns, with columns that may be meant."""
    example = "user=NAME,item=NAME" + ",time=NAME" * needs_time
    hint = f"say which it is, as in --columns {example}"
    plain = {normalised(name): name for name in reversed(names)}
    order, cells, day = (
        next((plain[name] for name in plain if name in known), None)
        for known in (ORDERS, LISTS, DAYS)
    )
    if lacks == ["time"]:
        hint += "; where none is, --no-time takes the events in the order of the file"
        if day is not None:
            hint += f"; --columns time={day} --time-unit d takes days that are counted"
    if "item" in lacks and cells is not None:
        hint += f"; --columns item={cells} with --list-sep opens lists of items"
    if "user or session" in lacks and order is not None:
        hint += f"; --columns session={order} takes each of its values for a session"
    return hint
