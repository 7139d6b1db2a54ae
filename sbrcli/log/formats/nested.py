"""Read values below the top level of a row by dotted names: fields of structs, items of lists.

A path is the keys from a row down to a value; `[]` means each item of a list. So the items of
{"session": 1, "events": [{"aid": 5}, {"aid": 6}]} lie at ("events", "[]", "aid"), and are called
events.aid. Each item of a list is an event, which has the other values of its row.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sbrcli.log.columns.lists import OpenedLists
from sbrcli.log.events import EVENT, ITEM_ID, RATING, TIMESTAMP

LIST = "[]"
Path = tuple[str, ...]

_MAX_LEVELS = 8
_LIST_TYPES = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
_LIST_TYPES += (pa.types.is_list_view, pa.types.is_large_list_view)


class Flattened(NamedTuple):
    """A table without lists and structs.

    Args:
        table: one event a row.
        lists: how rows with lists were opened; None if there are none.
        rows: (events,) index of each event's row; None if each row is one event.
    """

    table: pa.Table
    lists: OpenedLists | None = None
    rows: np.ndarray | None = None


def dotted(path: Path) -> str:
    """Return the dotted name of a path: ("events", "[]", "aid") is events.aid."""
    return ".".join(step for step in path if step != LIST)


def paths_of_schema(schema: pa.Schema) -> list[Path]:
    """Return the paths of all values other than structs and lists, in the order of the file."""
    return [
        path
        for field in schema
        if field.name != LIST
        for path in _paths_of_type(field.type, (field.name,))
    ]


def paths_of_objects(objects: Iterable[Mapping[str, Any]]) -> list[Path]:
    """Return the paths of all values in some JSON objects, in order of appearance.

    If values of one name have several types, the first one that is not null or empty counts.
    """
    found: dict[str, Path | None] = {}
    for one in objects:
        for path, is_empty in _paths_of_value(one, ()):
            name = dotted(path)
            found[name] = found.get(name) or (None if is_empty else path)
    filled = [name for name, path in found.items() if path]
    return [
        path or (name,)
        for name, path in found.items()
        if path or not any(other.startswith(f"{name}.") for other in filled)
    ]


def values_at(value: Any, path: Path) -> Iterator[Any]:
    """Yield the values on a path within a JSON object; None if missing."""
    if not path:
        yield value
    elif path[0] == LIST:
        for inner in value if isinstance(value, list) else ():
            yield from values_at(inner, path[1:])
    else:
        yield from values_at(value.get(path[0]) if isinstance(value, dict) else None, path[1:])


def type_of_paths(types: Mapping[Path, pa.DataType]) -> pa.Schema:
    """Return the schema of rows with values of given types at given paths."""
    tree: dict[str, Any] = {}
    for path, kind in types.items():
        node = tree
        for step in path[:-1]:
            node = node.setdefault(step, {})
        node[path[-1]] = kind
    return pa.schema([(name, _type_of_tree(node)) for name, node in tree.items()])


def flatten(table: pa.Table, paths: Mapping[str, Path]) -> Flattened:
    """Return a table with a row for each item of the lists on some paths, and a column for each
    path.

    Args:
        table: with the columns that the paths begin with.
        paths: by column of the event table.

    Raises:
        ValueError: two lists of one row that are opened together have different lengths.
    """
    if all(len(path) == 1 for path in paths.values()):
        names = [path[0] for path in paths.values()]
        return Flattened(table.select(names).rename_columns(list(paths)))
    table = table.unify_dictionaries()
    parts = [_flatten_batch(batch, paths) for batch in table.to_batches()]
    parts = parts or [_flatten_batch(table.schema.empty_table().to_batches()[0], paths)]
    if not any(LIST in path for path in paths.values()):
        return Flattened(pa.concat_tables([part for part, _ in parts]))
    begins = np.cumsum([0, *(len(batch) for batch in table.to_batches())]).tolist()
    rows = np.concatenate([at + begin for (_, at), begin in zip(parts, begins, strict=False)])
    opened = OpenedLists(table.num_rows, len(rows), table.num_rows - len(np.unique(rows)))
    return Flattened(pa.concat_tables([part for part, _ in parts]), opened, rows)


def flatten_object(
    values: Mapping[str, Any], paths: Mapping[str, Path]
) -> Iterator[dict[str, Any]]:
    """Yield the events of one JSON object, like `flatten`.

    Args:
        values: the object, by column of the event table.
        paths: by column of the event table.

    Raises:
        ValueError: two lists that are opened together have different lengths.
    """
    values, rest = dict(values), dict(paths)
    for column, path in paths.items():
        keys, rest[column] = _until_list(path)
        for key in keys:
            value = values[column]
            values[column] = value.get(key) if isinstance(value, dict) else None
    opening = {column: values[column] for column, path in rest.items() if path}
    if not opening:
        yield values
        return
    kept, length = _opened_together({c: len(v or ()) for c, v in opening.items()})
    for column in opening.keys() - kept.keys():
        values[column], rest[column] = None, ()
    inner = {column: path[1:] if column in kept else path for column, path in rest.items()}
    for at in range(length):
        row = {c: opening[c][at] if c in kept else value for c, value in values.items()}
        yield from flatten_object(row, inner)


def _opened_together(lengths: Mapping[str, int]) -> tuple[dict[str, int], int]:
    """Return the columns whose lists are opened with that of the items, and its length.

    Raises:
        ValueError: another list has another length, and is needed.
    """
    main = next((c for c in (ITEM_ID, TIMESTAMP) if c in lengths), next(iter(lengths)))
    kept = {column: n for column, n in lengths.items() if n == lengths[main]}
    for column, length in lengths.items():
        if column not in kept and column not in (EVENT, RATING):
            raise ValueError(unlike_lengths(main, lengths[main], column, length))
    return kept, lengths[main]


def unlike_lengths(main: str, length: int, column: str, other: int) -> str:
    """Return the complaint about two lists of a row that cannot be opened together."""
    return f"a list of {length:,} in {main} beside one of {other:,} in {column}"


def _flatten_batch(batch: pa.RecordBatch, paths: Mapping[str, Path]) -> tuple[pa.Table, np.ndarray]:
    arrays = {column: batch.column(path[0]) for column, path in paths.items()}
    rest = {column: path[1:] for column, path in paths.items()}
    rows = np.arange(batch.num_rows)
    while True:
        for column, path in list(rest.items()):
            keys, rest[column] = _until_list(path)
            for key in keys:
                arrays[column] = pc.struct_field(arrays[column], key)  # pyright: ignore
        opening = [column for column, path in rest.items() if path]
        if not opening:
            return pa.table(arrays), rows
        lengths = {c: pc.list_value_length(arrays[c]).fill_null(0) for c in opening}  # pyright: ignore
        kept = _columns_opened(lengths)
        parents = pc.list_parent_indices(arrays[next(iter(kept))])  # pyright: ignore
        rows = rows[parents.to_numpy()]
        for column in list(arrays):
            if column in kept:
                arrays[column] = pc.list_flatten(arrays[column])  # pyright: ignore
                rest[column] = rest[column][1:]
            elif column in opening:
                arrays[column], rest[column] = pa.nulls(len(rows)), ()
            else:
                arrays[column] = arrays[column].take(parents)


def _until_list(path: Path) -> tuple[Path, Path]:
    """Split a path before its first list."""
    at = path.index(LIST) if LIST in path else len(path)
    return path[:at], path[at:]


def _columns_opened(lengths: Mapping[str, pa.Array]) -> list[str]:
    main = next((c for c in (ITEM_ID, TIMESTAMP) if c in lengths), next(iter(lengths)))
    kept = [main]
    numbers = {column: array.to_numpy(zero_copy_only=False) for column, array in lengths.items()}
    for column in lengths.keys() - {main}:
        unlike = np.flatnonzero(numbers[column] != numbers[main])
        if not len(unlike):
            kept.append(column)
        elif column not in (EVENT, RATING):
            at = unlike[0]
            counts = int(numbers[main][at]), int(numbers[column][at])
            raise ValueError(unlike_lengths(main, counts[0], column, counts[1]))
    return kept


def _paths_of_type(kind: pa.DataType, path: Path) -> Iterator[Path]:
    if len(path) > _MAX_LEVELS:
        return
    if pa.types.is_struct(kind):
        for field in (kind.field(at) for at in range(kind.num_fields)):
            if field.name != LIST:
                yield from _paths_of_type(field.type, (*path, field.name))
    elif any(is_list(kind) for is_list in _LIST_TYPES):
        yield from _paths_of_type(kind.value_type, (*path, LIST))
    else:
        yield path


def _paths_of_value(value: Any, path: Path) -> Iterator[tuple[Path, bool]]:
    """Yield the paths within a value, each with whether it is empty."""
    if len(path) > _MAX_LEVELS:
        return
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            if key != LIST:
                yield from _paths_of_value(inner, (*path, key))
    elif isinstance(value, list) and value:
        for inner in value[:20]:
            yield from _paths_of_value(inner, (*path, LIST))
    elif path:
        yield path, value is None or (isinstance(value, list | dict) and not value)


def _type_of_tree(node: Any) -> pa.DataType:
    if isinstance(node, pa.DataType):
        return node
    if LIST in node:
        return pa.list_(_type_of_tree(node[LIST]))
    return pa.struct([(name, _type_of_tree(inner)) for name, inner in node.items()])
