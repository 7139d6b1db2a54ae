"""Match the values of nested rows to columns: top-level values by name, others by the last key."""

from collections.abc import Mapping, Sequence

from sbrcli.log.columns.matching import match_columns, split_time
from sbrcli.log.columns.names import is_known_name, normalised
from sbrcli.log.events import EVENT, ITEM_ID, RATING, SESSION_ID, TIMESTAMP, USER_ID
from sbrcli.log.formats.nested import LIST, Path, dotted

_WRAPPERS = frozenset(
    {"$oid", "$date", "$numberLong", "$numberInt", "$numberDouble", "N", "S"}
    | {"long", "string", "int", "double"}
)
"""Keys that name the type of a value in JSON of MongoDB, DynamoDB and Avro."""

_LIST_ENDS = ("listseq", "list", "sequence", "seq", "history", "array", "fixed")


def match_paths(
    paths: Sequence[Path], names: Sequence[str], wanted: Mapping[str, str]
) -> tuple[dict[str, int], dict[str, str]]:
    """Find the place of each known column among the values of a nested row.

    Args:
        paths: of the values.
        names: of the values, followed by columns whose values the file's path holds.
        wanted: names that the user gave, by "user", "item" and so on; `[]` in them is ignored.

    Returns:
        Places by column of the event table, like `match_columns`, and the wanted names as they are
        in the log.
    """
    wishes = {role: _as_called(name, names) for role, name in wanted.items()}
    found = match_columns(names, wishes)
    has_owner = bool({USER_ID, SESSION_ID} & set(found))
    lacking = {c for c in (ITEM_ID, TIMESTAMP) if c not in found}
    lacking |= set() if has_owner else {USER_ID, SESSION_ID}
    if not lacking:
        return found, wishes
    below = [last_name(path) for path in paths]
    # A name that no log has, so that the role is not searched for.
    more = match_columns(below, dict.fromkeys(wanted, "\0"))
    free = {
        column: place
        for column, place in more.items()
        if place not in found.values() and not _is_one_of_many(paths, place)
    }
    found |= {column: free[column] for column in lacking & set(free)}
    if ITEM_ID in found and found[ITEM_ID] < len(paths):
        parent = paths[found[ITEM_ID]][:-1]
        beside = {c: free[c] for c in (EVENT, RATING) if c in free and c not in found}
        found |= {c: place for c, place in beside.items() if paths[place][:-1] == parent}
    return found, wishes


def _is_one_of_many(paths: Sequence[Path], place: int) -> bool:
    """Return whether other objects have the same keys, as if the keys above them were ids; then
    none of them is the events'.
    """
    if place >= len(paths) or len(paths[place]) == 1:
        return False
    names: dict[Path, set[str]] = {}
    for path in paths:
        names.setdefault(path[:-1], set()).add(path[-1])
    parent = paths[place][:-1]
    alike = [p for p in names if p and len(p) == len(parent) and names[p] == names[parent]]
    return len(alike) > 1 and len(names[parent]) > 1


def last_name(path: Path) -> str:
    """Return the name by which a value may be known: its last key, in the singular for a list; for
    user.id, userid.
    """
    steps = [step for step in path if step != LIST]
    while len(steps) > 1 and steps[-1] in _WRAPPERS:
        steps.pop()
    name = normalised(steps[-1])
    if name == "id" and len(steps) > 1:
        name = _singular(normalised(steps[-2])) + "id"
    return _singular(name) if path[-1] == LIST else name


def _singular(name: str) -> str:
    end = next((end for end in _LIST_ENDS if name.endswith(end)), "")
    for shorter in (name, name.removesuffix(end), name.removesuffix(end).removesuffix("s")):
        if is_known_name(shorter):
            return shorter
    return name


def _as_called(name: str, names: Sequence[str]) -> str:
    """Return the user's name for a value, or for the time's columns, as `dotted` writes it."""
    return "+".join(_plain(one, names) for one in split_time(name, names))


def _plain(name: str, names: Sequence[str]) -> str:
    plain = dotted(tuple(name.removeprefix("$.").replace("[*]", "").replace("[]", "").split(".")))
    return plain if name not in names and plain in names else name
