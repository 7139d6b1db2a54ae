"""What the page tells of the evaluation, and of its protocol."""

from dataclasses import replace

import pytest

from sbrcli.report.evaluation_section import describe_evaluation, describe_protocol
from sbrcli.report.stored_evaluation import StoredEvaluation, read_stored_evaluation
from tests.report.test_stored_evaluation import BEST, FULL, METRICS, STANDING, keep

COMMAND = "sbr evaluate --run x"


@pytest.fixture
def stored(tmp_path) -> StoredEvaluation:
    found = read_stored_evaluation(keep(tmp_path, {"test": FULL}))
    assert found is not None
    return found


def test_without_an_evaluation_the_command_is_named():
    content = describe_evaluation(None, COMMAND).content
    assert "The run has not been evaluated on test. Run <code>sbr evaluate --run x" in content


def test_without_a_leaderboard_the_command_is_named_below_the_figures(stored):
    content = describe_evaluation(replace(stored, leaderboard=(), verdict=""), COMMAND).content
    assert ">0.5000</td>" in content
    assert "The run has been compared with no other model. Run <code>sbr evaluate" in content
    assert "<svg" not in content


def test_the_leaderboard_has_a_verdict_a_plot_with_intervals_and_tables(stored):
    content = describe_evaluation(stored, COMMAND).content
    assert '<p class="verdict">gru4rec beats markov.</p>' in content
    assert (
        "aria-label=\"Each model's mrr@5 with its 95 % interval. gru4rec 0.2500 (0.1000 to "
        '0.6000); markov 0.2500 (0.1000 to 0.6000)."' in content
    )
    assert content.index("<td>gru4rec</td>") < content.index("<td>markov</td>")
    assert ">-50.0 %</td>" in content
    assert "<td>steps=1,decay=div</td>" in content
    assert "<code>" not in content


def test_a_difference_that_has_no_share_is_left_empty(tmp_path):
    to_best = STANDING["to_best"] | {"share": None, "interval": None}  # type: ignore[operator]
    board = [BEST, STANDING | {"to_best": to_best}]
    found = read_stored_evaluation(keep(tmp_path, {"test": FULL | {"leaderboard": board}}))
    assert (
        ' %</td><td class="number" data-value="0.01">'
        not in describe_evaluation(found, COMMAND).content
    )


def test_unknown_next_items_as_misses_are_shown_where_there_are_any(stored):
    words = "The same, with next items that were left out as misses"
    assert words not in describe_evaluation(stored, COMMAND).content
    some = replace(stored, protocol={"unknown_events": 3})
    assert words in describe_evaluation(some, COMMAND).content


def test_the_protocol_is_reported_in_words(stored):
    protocol = {
        "events": 1234,
        "exclude_seen": False,
        "tie_share": 0.00004,
        "unknown_events": 0,
        "added_later": "so",
    }
    content = describe_protocol(replace(stored, protocol=protocol)).content
    assert "<dt>next items scored</dt><dd>1,234</dd>" in content
    assert "<dt>session&#x27;s earlier items</dt><dd>are candidates</dd>" in content
    assert "<dt>tie share</dt><dd>0.004 %</dd>" in content
    for share, words in ((0.0, "none"), (1e-9, "under 0.001 %")):
        tied = describe_protocol(replace(stored, protocol={"tie_share": share})).content
        assert f"<dt>tie share</dt><dd>{words}</dd>" in tied
    assert "<dt>unknown next items, left out</dt><dd>0</dd>" in content
    assert "<dt>added later</dt><dd>so</dd>" in content
    timed = describe_protocol(replace(stored, protocol={"targets_after_train": 0.044, "x": None}))
    assert timed.content.count("<dt>") == 1
    assert "<dt>next items later than the last training event</dt><dd>4.4 %</dd>" in timed.content
    left_out = describe_protocol(replace(stored, protocol={"exclude_seen": True})).content
    assert "<dd>left out</dd>" in left_out


def test_the_greatest_cut_is_compared(tmp_path):
    both = METRICS | {"recall@9": 0.9, "mrr@9": 0.8, "ndcg@9": 0.7}
    row = BEST | {"metrics": both, "interval": {name: [0.1, 0.9] for name in both}}
    found = read_stored_evaluation(keep(tmp_path, {"test": FULL | {"leaderboard": [row]}}))
    content = describe_evaluation(found, COMMAND).content
    assert "Leaderboard, by mrr@9; low and high are its 95 % interval" in content
