"""Read a table of items and their attributes, such as stock, price and category.

PyArrow is loaded when a table is read, and pandas is not.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sbrcli.config.recommendation import Condition
from sbrcli.errors import ConfigError, DataError
from sbrcli.log.files.opening import explained, opened

if TYPE_CHECKING:
    import pyarrow as pa

IntArray = npt.NDArray[np.integer]
BoolArray = npt.NDArray[np.bool_]

_ID_NAMES = ("itemid", "movieid", "productid", "articleid", "trackid", "sku", "item", "id")
_SEPARATORS = "\t;,|"
_FUNCTIONS = {
    "=": "equal",
    "!=": "not_equal",
    "<": "less",
    "<=": "less_equal",
    ">": "greater",
    ">=": "greater_equal",
}
_TRUTHS = {"yes": "true", "no": "false"}
"""Words for truth values that PyArrow does not read; it reads 1, 0, true and false."""


@dataclass(frozen=True, slots=True)
class ItemTable:
    """Items' attributes.

    Args:
        path: the file.
        id_column: the name of the column with the ids.
        row_of: each id's row; of an id listed twice, the last.
        table: the attributes.
    """

    path: Path
    id_column: str
    row_of: dict[str, int]
    table: "pa.Table"

    def rows_of(self, ids: Sequence[str]) -> IntArray:
        """Return the row of each id, (ids,); -1 for those that the table lacks."""
        return np.array([self.row_of.get(one, -1) for one in ids], np.int64)

    def meeting(self, condition: Condition) -> BoolArray:
        """Return which rows meet a condition, (rows,); a row without a value does not.

        Raises:
            ConfigError: there is no such column, or the value is of another kind than it.
        """
        import pyarrow as pa
        import pyarrow.compute as pc

        column = self._column(condition.column)
        value = _value_like(column.type, condition, self.path)
        mask = getattr(pc, _FUNCTIONS[condition.operator])(column, value)
        is_met = pc.and_kleene(mask, mask.is_valid())  # pyright: ignore
        return _to_numpy(is_met.cast(pa.uint8())).astype(np.bool_)

    def groups(self, column: str) -> IntArray:
        """Number the values of a column: (rows,), equal where they are equal; -1 for none.

        Raises:
            ConfigError: there is no such column.
        """
        encoded = self._column(column).combine_chunks().dictionary_encode("encode")
        groups = _to_numpy(encoded.indices)
        is_value = encoded.dictionary.is_valid().to_pylist()
        return groups if all(is_value) else np.where(np.array(is_value)[groups], groups, -1)

    def _column(self, name: str) -> "pa.ChunkedArray":
        import pyarrow as pa

        if name not in self.table.column_names:
            raise ConfigError(
                f"{self.path} has no column {name}",
                hint=f"it has: {', '.join(self.table.column_names)}",
            )
        column = self.table[name]
        is_encoded = pa.types.is_dictionary(column.type)
        return column.cast(column.type.value_type) if is_encoded else column


def read_item_table(path: Path) -> ItemTable:
    """Read a table from Parquet, or from text with a header: commas, tabs, semicolons or |.

    Raises:
        DataError: the file cannot be read, or its ids are neither text nor whole numbers.
    """
    import pyarrow as pa

    with explained(path), path.open("rb") as file:
        is_parquet = file.read(4) == b"PAR1"
    try:
        table, id_column = (_read_parquet if is_parquet else _read_text)(path)
        ids = table[id_column].cast(pa.string()).to_pylist()
    except pa.ArrowException as error:
        raise DataError(
            f"{path}: {str(error).splitlines()[0]}",
            hint="name a CSV file with a header in UTF-8, or a Parquet file",
        ) from error
    row_of = {item_id: row for row, item_id in enumerate(ids) if item_id is not None}
    if not row_of:
        raise DataError(f"{path}: no item below the header", hint="each line below it has one")
    return ItemTable(path, id_column, row_of, table)


def _read_parquet(path: Path) -> "tuple[pa.Table, str]":
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    id_column = _choose_id_column(table.column_names)
    kind = table.schema.field(id_column).type
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    if not (is_text or pa.types.is_integer(kind)):
        raise DataError(
            f"{path}: its column {id_column} holds no ids but {kind}",
            hint="write the ids as text or as whole numbers",
        )
    return table, id_column


def _read_text(path: Path) -> "tuple[pa.Table, str]":
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    with opened(path) as file:
        data = file.read()
    first = data.split(b"\n", 1)[0].decode("utf-8-sig", errors="replace")
    separators = {first.index(one): one for one in _SEPARATORS if one in first}
    separator = separators[min(separators)] if separators else ","
    names = next(csv.reader([first.strip("\r")], delimiter=separator), [])
    if not names:
        raise DataError(f"{path}: the file has no header", hint="its first line names the columns")
    id_column = _choose_id_column(names)
    table = arrow_csv.read_csv(
        io.BytesIO(data),
        parse_options=arrow_csv.ParseOptions(delimiter=separator),
        convert_options=arrow_csv.ConvertOptions(
            column_types={id_column: pa.string()},  # 007 is not 7
            null_values=[""],
            strings_can_be_null=True,
        ),
    )
    return table, id_column


def _choose_id_column(names: Sequence[str]) -> str:
    plain = [name.strip().replace("_", "").replace(" ", "").casefold() for name in names]
    return next((names[plain.index(one)] for one in _ID_NAMES if one in plain), names[0])


def _value_like(kind: Any, condition: Condition, path: Path) -> Any:
    """Return a condition's value as one of a column's type."""
    import pyarrow as pa

    text = condition.value
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        if condition.operator not in ("=", "!="):
            raise ConfigError(
                f"{path}: its column {condition.column} holds text, which is compared with = and "
                f"!= alone. Received: {condition}"
            )
        return _as_scalar(text).cast(kind)
    if pa.types.is_boolean(kind):
        text = _TRUTHS.get(text.lower(), text)
    ways = [[kind]]
    if pa.types.is_integer(kind):
        ways.append([pa.float64()])
    elif pa.types.is_timestamp(kind) and kind.tz is not None:  # a time without offset is in UTC
        ways.append([pa.timestamp(kind.unit), kind])
    for way in ways:
        value = _as_scalar(text)
        try:
            for step in way:
                value = value.cast(step)
        except (pa.ArrowException, ValueError):
            continue
        return value
    raise ConfigError(
        f"{path}: its column {condition.column} is of the type {kind}, and {text!r} is not. "
        f"Received: {condition}"
    )


def _as_scalar(text: str) -> Any:
    """Return a text as a value of PyArrow; `pyarrow.scalar` would load pandas."""
    import pyarrow as pa

    content = text.encode("utf-8", "surrogatepass")  # which no text of a table equals
    cuts = np.array([0, len(content)], np.int32).tobytes()
    return pa.StringArray.from_buffers(1, pa.py_buffer(cuts), pa.py_buffer(content))[0]


def _to_numpy(array: Any) -> npt.NDArray[Any]:
    """Return numbers; PyArrow's own conversion would load pandas."""
    import pyarrow as pa

    return np.from_dlpack(array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array)
