"""Item ids and item indices."""

import pandas as pd

from sbrcli.dataset.filters import count_items
from sbrcli.dataset.vocabulary import Vocabulary, categorise_items, number_items
from tests.builders import make_events


def build_vocabulary(*tables: pd.DataFrame) -> Vocabulary:
    """Number the items of train and of later tables."""
    orders = [pd.unique(table["item_id"].cat.codes.to_numpy()) for table in tables]
    categories = tables[0]["item_id"].cat.categories.to_numpy()
    return number_items(categories, orders, count_items(tables[0]))


def build(*texts: str) -> tuple[Vocabulary, list[pd.DataFrame]]:
    """Build a vocabulary of train and later tables that share their categories."""
    whole = categorise_items(make_events(", ".join(texts)))
    tables, begin = [], 0
    for text in texts:
        end = begin + len(text.split(","))
        tables.append(whole.iloc[begin:end])
        begin = end
    return build_vocabulary(*tables), tables


def test_items_are_numbered_as_they_appear_in_train():
    vocabulary, (train,) = build("1 30 0, 1 10 1, 1 30 2, 1 20 3")
    assert vocabulary.ids == ["30", "10", "20"]
    assert vocabulary.train_count.tolist() == [2, 1, 1]
    assert vocabulary.encode(train).tolist() == [0, 1, 0, 2]


def test_items_of_later_splits_alone_come_behind_with_a_count_of_zero():
    vocabulary, (_, valid, test) = build("1 3 0, 1 1 1", "2 9 0, 2 3 1", "3 7 0, 3 9 1, 3 1 2")
    assert vocabulary.ids == ["3", "1", "9", "7"]
    assert vocabulary.train_count.tolist() == [1, 1, 0, 0]
    assert vocabulary.to_items().num_train_items == 2
    assert vocabulary.encode(valid).tolist() == [2, 0]
    assert vocabulary.encode(test).tolist() == [3, 2, 1]


def test_an_item_that_was_left_out_has_no_index():
    whole = categorise_items(make_events("1 5 0, 1 6 1"))
    vocabulary = build_vocabulary(whole.iloc[:1])
    assert vocabulary.ids == ["5"]
    assert vocabulary.index_of_code.tolist() == [0, -1]


def test_ids_that_are_no_integers_come_back_as_they_were():
    ids = ["007", "é,\t", "7", "007"]
    events = make_events("1 1 0, 1 1 1, 1 1 2, 1 1 3")
    events["item_id"] = pd.Categorical(ids, categories=["007", "7", "é,\t"])
    vocabulary = build_vocabulary(categorise_items(events))
    assert vocabulary.ids == ["007", "é,\t", "7"]
    assert vocabulary.decode(vocabulary.encode(events)) == ids


def test_big_and_negative_numbers_are_ids_like_any_other():
    big = 2**63 - 1
    vocabulary, _ = build(f"1 {big} 0, 1 -5 1")
    assert vocabulary.ids == [str(big), "-5"]


def test_titles_stand_beside_the_items_that_have_one():
    vocabulary, _ = build("1 3 0, 1 1 1")
    assert vocabulary.to_items({"1": "One", "9": "Nine"}).titles == [None, "One"]
    assert vocabulary.to_items().titles is None
