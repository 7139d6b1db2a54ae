"""The distinct ids of a column of the event table, with the number of events of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from sbrcli.arrays import IntArray
from sbrcli.log.columns.ids import id_column, written_ids
from sbrcli.log.quality.grouping import dense_codes


@dataclass(frozen=True, slots=True)
class IdCounts:
    """Distinct ids and their numbers of events; all that warnings about ids need of a column.

    Args:
        ids: (ids,) in the dataset's order: int64, or strings.
        counts: (ids,) number of events, at least 1.
    """

    ids: IntArray | pa.StringArray
    counts: IntArray

    @classmethod
    def of(cls, column: pd.Series) -> "IdCounts":
        """Count the ids of a column; missing ones are ignored."""
        if not isinstance(column.dtype, pd.CategoricalDtype):
            codes, num_ids = dense_codes(column)
            ids = np.empty(num_ids, np.int64)
            ids[codes] = column.to_numpy()
            return cls.merged([cls(ids, np.bincount(codes, minlength=num_ids))])
        codes, written = column.cat.codes.to_numpy(), written_ids(column)
        codes = codes[codes >= 0]  # -1 is a missing id
        counts = np.bincount(codes, minlength=len(written))
        used = np.flatnonzero(counts)
        if len(used) == len(written):
            return cls(written, counts)
        return cls(written.take(pa.array(used)), counts[used])

    @classmethod
    def merged(cls, parts: "Sequence[IdCounts]") -> "IdCounts":
        """Join the counts of parts that have no id in common, at least one; their order is free."""
        counts = np.concatenate([part.counts for part in parts])
        if all(isinstance(part.ids, np.ndarray) for part in parts):
            numbers: IntArray = np.concatenate([part.ids for part in parts])
            if not len(numbers) or (numbers[1:] > numbers[:-1]).all():
                return cls(numbers, counts)
            order = np.argsort(numbers)
            return cls(numbers[order], counts[order])
        arrays = [pa.array(part.ids).cast(pa.string()) for part in parts]
        texts: Any = pa.concat_arrays(arrays)
        if not len(texts):
            return cls(texts, counts)
        encoded = pa.DictionaryArray.from_arrays(
            pa.array(np.arange(len(texts), dtype=np.int32)), texts
        )
        column = id_column(encoded)
        if isinstance(column, np.ndarray):
            return cls.merged([cls(column, counts)])
        ordered = np.empty(len(counts), np.int64)
        ordered[column.codes] = counts
        return cls(written_ids(pd.Series(column)), ordered)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def num_events(self) -> int:
        """The number of events."""
        return int(self.counts.sum())

    @property
    def texts(self) -> pa.StringArray | None:
        """The ids if they are text; None if they are numbers."""
        return None if isinstance(self.ids, np.ndarray) else self.ids

    def name(self, at: int) -> str:
        """Return one of the ids as text."""
        return str(self.ids[at])
