"""Map item ids, the strings of the log, to item indices, 0, 1, 2, …"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals

from sbrcli.arrays import IntArray
from sbrcli.dataset.sessionize import id_codes
from sbrcli.dataset.storage import Items
from sbrcli.log.events import ITEM_ID


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The items of a dataset, by index.

    Args:
        ids: item ids; those of train come first.
        train_count: (items,) int64, the number of events of each item in train; 0 for items that
            train lacks, which come last.
        index_of_code: (categories,) int32, the item index of each category of the tables'
            `item_id`; -1 for a category that is not an item of the dataset.
    """

    ids: list[str]
    train_count: IntArray
    index_of_code: IntArray

    def encode(self, events: pd.DataFrame) -> IntArray:
        """Return the events' item indices: (events,) int32.

        Args:
            events: a table with the categories that the vocabulary was built on.
        """
        return self.index_of_code[id_codes(events, ITEM_ID)]

    def decode(self, item_indices: IntArray) -> list[str]:
        """Return the ids of items."""
        return [self.ids[index] for index in item_indices]

    def to_items(self, titles: dict[str, str] | None = None) -> Items:
        """Return the table of items to store, with titles if there are any."""
        named = None if titles is None else [titles.get(item_id) for item_id in self.ids]
        return Items(self.ids, self.train_count, named)


def categorise_items(events: pd.DataFrame) -> pd.DataFrame:
    """Convert `item_id` to a categorical, so that counting items counts small integers."""
    ids = events[ITEM_ID]
    if isinstance(ids.dtype, pd.CategoricalDtype):
        return events
    codes, categories = pd.factorize(ids.to_numpy())
    return events.assign(**{ITEM_ID: pd.Categorical.from_codes(codes, categories)})


def align_items(tables: Sequence[pd.DataFrame]) -> list[pd.DataFrame]:
    """Convert `item_id` to a categorical of text, with the same categories in all tables."""
    aligned = [categorise_items(table) for table in tables]
    texts = [
        table[ITEM_ID].cat.rename_categories(table[ITEM_ID].cat.categories.astype(str))
        for table in aligned
    ]
    categories = union_categoricals(texts).categories
    return [
        table.assign(**{ITEM_ID: ids.cat.set_categories(categories)})
        for table, ids in zip(aligned, texts, strict=True)
    ]


def number_items(
    item_ids: np.ndarray, appearances: Sequence[IntArray], train_count: IntArray
) -> Vocabulary:
    """Number the items in order of first appearance: those of train, then those of later splits.

    Args:
        item_ids: (categories,) the id of each category.
        appearances: the distinct categories of each split, train first, in the dataset's order; of
            a split in parts, one after the other.
        train_count: (categories,) the number of events of each in train.
    """
    codes = pd.unique(np.concatenate(list(appearances)))
    index_of_code = np.full(len(item_ids), -1, dtype=np.int32)
    index_of_code[codes] = np.arange(len(codes), dtype=np.int32)
    # Not a NumPy text array, which is as wide as the longest id and drops trailing NULs.
    ids = [str(item_id) for item_id in item_ids[codes].tolist()]
    return Vocabulary(ids, train_count[codes].astype(np.int64), index_of_code)
