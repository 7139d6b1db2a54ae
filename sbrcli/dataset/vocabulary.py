"""Item id ↔ item index: the ids of the log are strings, the network's are 0, 1, 2, …"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals

from sbrcli.arrays import IntArray
from sbrcli.dataset.filters import count_items
from sbrcli.dataset.sessionize import id_codes
from sbrcli.dataset.storage import Items
from sbrcli.log.events import ITEM_ID


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The items of a dataset, by index.

    Args:
        ids: item ids; those of train come first.
        train_count: (items,) int64, each item's events in train; 0 from the first item on that
            train lacks.
        index_of_code: (categories,) int32, the item index of each category of the tables'
            `item_id`; -1 for a category that is no item of the dataset.
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
        """Make the table of items that is kept on disk, with titles where there are any."""
        named = None if titles is None else [titles.get(item_id) for item_id in self.ids]
        return Items(self.ids, self.train_count, named)


def categorise_items(events: pd.DataFrame) -> pd.DataFrame:
    """Make `item_id` categorical, so that counting items is counting small integers."""
    ids = events[ITEM_ID]
    if isinstance(ids.dtype, pd.CategoricalDtype):
        return events
    codes, categories = pd.factorize(ids.to_numpy())
    return events.assign(**{ITEM_ID: pd.Categorical.from_codes(codes, categories)})


def align_items(tables: Sequence[pd.DataFrame]) -> list[pd.DataFrame]:
    """Make `item_id` categorical with the same categories in all tables, ids as text."""
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


def build_vocabulary(train: pd.DataFrame, *later: pd.DataFrame) -> Vocabulary:
    """Number the items in order of first appearance: train's, then those of later splits alone.

    Args:
        train: a table in the dataset's order.
        later: valid before any item left it, and test.
    """
    tables = (train, *later)
    categories = train[ITEM_ID].cat.categories
    codes = pd.unique(np.concatenate([pd.unique(id_codes(table, ITEM_ID)) for table in tables]))
    index_of_code = np.full(len(categories), -1, dtype=np.int32)
    index_of_code[codes] = np.arange(len(codes), dtype=np.int32)
    # Not a NumPy array of text: it would be as wide as the longest id, and cut NULs at the end.
    ids = [str(item_id) for item_id in categories.to_numpy()[codes].tolist()]
    return Vocabulary(ids, count_items(train)[codes].astype(np.int64), index_of_code)
