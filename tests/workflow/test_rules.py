"""Which candidates the rules of a business remove, and how many each of them."""

import numpy as np
import pytest

from sbrcli.artefacts.items import RunItems
from sbrcli.config.recommendation import RecommendConfig
from sbrcli.workflow.recommend import recommend, recommend_many
from sbrcli.workflow.rules import Cap, Rules
from tests.test_recommendation import FixedScorer, recommended

ITEMS = RunItems(["a", "b", "c", "d", "e", "f"], np.array([1, 6, 5, 4, 3, 2]))
RULES = Rules(6)
SCORER = FixedScorer(6, 5, 4, 3, 2, 1)
GROUPS = np.array([0, 0, 0, 1, 1, -1])


def capped(most: int, groups: np.ndarray = GROUPS) -> Rules:
    return RULES.with_cap(Cap("max-per kind", groups, most))


def test_only_listed_items_are_recommended_and_excluded_ones_never():
    rules = RULES.with_ids(ITEMS, only=["f", "c", "b", "x"], exclude=["c", "a", "y"])
    found = recommend(SCORER, ITEMS, ["b"], RecommendConfig(k=3), rules)
    assert recommended(found) == ["f"]
    assert rules.unknown == {"only": ("x",), "exclude": ("y",)}


def test_each_rule_counts_the_candidates_that_the_rules_before_it_left():
    rules = RULES.with_ids(ITEMS, only=["f", "c", "b"], exclude=["c", "a"])
    found = recommend(SCORER, ITEMS, ["b", "b"], RecommendConfig(k=3), rules)
    assert found.removed == {"seen": 1, "only": 3, "exclude": 1}
    assert found.short == "rules"
    seen_too = recommend(SCORER, ITEMS, ["b"], RecommendConfig(k=3, include_seen=True), rules)
    assert seen_too.removed == {"only": 3, "exclude": 1}
    assert recommended(seen_too) == ["b", "f"]


def test_no_item_is_listed_where_the_list_holds_only_unknown_ids():
    found = recommend(SCORER, ITEMS, ["a"], RecommendConfig(k=3), RULES.with_ids(ITEMS, only=["x"]))
    assert (found.items, found.removed, found.short) == ((), {"seen": 1, "only": 5}, "rules")


def test_a_limit_passes_over_the_items_of_a_full_group():
    found = recommend(SCORER, ITEMS, ["f"], RecommendConfig(k=3), capped(1))
    assert recommended(found) == ["a", "d"]
    assert found.removed == {"seen": 1, "max-per kind": 3}
    assert found.short == "rules"
    two = recommend(SCORER, ITEMS, ["f"], RecommendConfig(k=3), capped(2))
    assert recommended(two) == ["a", "b", "d"]
    assert (two.removed, two.short) == ({"seen": 1, "max-per kind": 1}, None)


def test_items_without_a_group_are_not_limited():
    rules = capped(1, np.array([0, -1, -1, 0, -1, -1]))
    found = recommend(SCORER, ITEMS, ["f"], RecommendConfig(k=5), rules)
    assert recommended(found) == ["a", "b", "c", "e"]


def test_an_item_counts_towards_each_limit_only_if_all_allow_it():
    rules = capped(1, np.array([0, 0, 1, 1, 2, 2])).with_cap(
        Cap("max-per maker", np.array([7, 8, 7, 8, 9, 9]), 1)
    )
    found = recommend(SCORER, ITEMS, ["f"], RecommendConfig(k=3), rules)
    assert recommended(found) == ["a", "d", "e"]
    assert found.removed == {"seen": 1, "max-per kind": 1, "max-per maker": 1}


def test_a_limit_looks_as_deep_as_it_must():
    """500 items of one group stand before the only other one."""
    items = RunItems([str(index) for index in range(502)], np.ones(502, np.int64))
    groups = np.array([0] * 500 + [1, 0])
    rules = Rules(502).with_cap(Cap("max-per kind", groups, 1))
    scorer = FixedScorer(*range(502, 0, -1))
    found = recommend(scorer, items, ["501"], RecommendConfig(k=2), rules)
    assert recommended(found) == ["0", "500"]
    assert found.removed == {"seen": 1, "max-per kind": 499}


def test_too_few_items_are_distinguished_from_rules_that_leave_too_few():
    rules = RULES.with_ids(ITEMS, exclude=["a"])
    assert recommend(SCORER, ITEMS, ["b"], RecommendConfig(k=6), rules).short == "items"
    assert recommend(SCORER, ITEMS, ["b"], RecommendConfig(k=5), rules).short == "rules"
    assert recommend(SCORER, ITEMS, ["b"], RecommendConfig(k=4), rules).short is None
    assert recommend(SCORER, ITEMS, ["b"], RecommendConfig(k=9)).short is None


def test_the_most_popular_items_obey_the_rules_too():
    config = RecommendConfig(k=2, fallback="popularity")
    rules = RULES.with_ids(ITEMS, exclude=["b"])
    found = recommend(SCORER, ITEMS, ["x"], config, rules)
    assert [(one.item, one.score) for one in found.items] == [("c", 5), ("d", 4)]
    assert found.removed == {"seen": 0, "exclude": 1}


def test_among_many_sessions_an_unknown_one_says_why_it_has_no_items():
    (found,) = recommend_many(SCORER, ITEMS, [["x"]], RecommendConfig(), capped(1))
    assert (found.items, found.removed, found.short) == ((), {}, "unknown")


@pytest.mark.parametrize("rules", [RULES, capped(2), RULES.with_ids(ITEMS, exclude=["a"])])
def test_a_document_names_the_rules_only_where_there_are_any(rules):
    document = recommend(SCORER, ITEMS, ["b"], RecommendConfig(k=1), rules).to_document()
    assert ("removed" in document) == rules.are_given
    assert "short" not in document
