"""Which test holds off which of the errors that are known of GRU4Rec reimplementations."""

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
GRU = "models/gru4rec"
TRAINING = "models/training"

KNOWN_ERRORS = {
    1: (
        "the hidden state is not reset at evaluation",
        f"{GRU}/test_inference.py::test_error_1_and_2_a_session_begins_with_a_state_of_zeros_from_"
        "its_first_event_on",
    ),
    2: (
        "it is reset one step late",
        f"{TRAINING}/test_step.py::test_a_session_in_mid_lane_ends_in_the_state_that_it_has_alone",
    ),
    3: (
        "a stale mask resets again at every step",
        f"{TRAINING}/test_step.py::test_a_state_is_not_reset_again_at_each_step_after_its_sessions_start",
    ),
    4: (
        "the update gate sees the old state",
        f"{TRAINING}/test_step.py::test_a_session_in_mid_lane_ends_in_the_state_that_it_has_alone",
    ),
    5: (
        "the epoch's tail is dropped",
        f"{TRAINING}/test_batches.py::test_every_pair_comes_exactly_once_an_epoch",
    ),
    6: (
        "fewer sessions than the batch size crash",
        f"{GRU}/test_inference.py::test_error_6_fewer_sessions_than_the_batch_size_are_all_scored",
    ),
    7: (
        "softmax before sampling",
        f"{TRAINING}/test_objective.py::test_a_cross_entropy_over_drawn_items_takes_one_softmax_of_"
        "their_raw_scores",
    ),
    8: (
        "softmax twice",
        f"{TRAINING}/test_objective.py::test_a_cross_entropy_over_all_items_is_the_formula",
    ),
    9: (
        "all items are scored, then sampled",
        f"{TRAINING}/test_objective.py::test_only_without_drawing_is_a_row_scored_against_all_items",
    ),
    10: (
        "BPR-max with the next item among the weights, or one log for all",
        f"{TRAINING}/test_ranking_losses.py::test_bpr_max_weighs_by_the_softmax_of_the_negatives_without"
        "_the_next_item",
    ),
    11: (
        "bpreg is missing or fixed",
        f"{TRAINING}/test_ranking_losses.py::test_bpreg_weighs_the_negatives_squared_scores",
    ),
    12: (
        "log(0)",
        f"{TRAINING}/test_ranking_losses.py::test_scores_of_ten_thousand_give_finite_losses_and_gradients",
    ),
    13: (
        "dropout does nothing, or has one knob for two places",
        f"{GRU}/test_dropout.py::test_a_share_of_the_embedding_is_dropped_by_a_knob_of_its_own",
    ),
    14: (
        "dropout is the share kept",
        f"{GRU}/test_dropout.py::test_a_share_of_the_hidden_state_is_dropped_and_the_rest_scaled_up",
    ),
    15: (
        "Adagrad's accumulator starts at 0.1",
        f"{TRAINING}/test_row_updates.py::test_duplicates_are_summed_before_they_are_squared",
    ),
    16: (
        "hidden decay, flags that never reach the model",
        "workflow/test_training.py::test_every_option_reaches_the_model",
    ),
    17: (
        "no momentum, duplicates squared before they are summed",
        f"{TRAINING}/test_row_updates.py::test_adagrad_with_momentum_and_duplicates_is_a_loop_over_rows",
    ),
    18: (
        "another weight initialisation",
        f"{GRU}/test_weights.py::test_each_gate_is_a_matrix_of_its_own_uniform_in_its_own_bound",
    ),
    19: (
        "unknown test items crash or shift ids",
        "evaluation/test_ranks.py::test_error_19_unknown_items_are_skipped_and_the_state_carries_"
        "over",
    ),
    20: (
        "rank < k for <=",
        "evaluation/test_metrics.py::test_error_20_a_next_item_ranked_exactly_k_is_a_hit",
    ),
    21: (
        "metrics averaged over batches",
        "evaluation/test_metrics.py::test_error_21_metrics_are_means_over_events_whatever_the_"
        "batches_were",
    ),
    22: (
        "constant scores get recall 1",
        "evaluation/test_ranks.py::test_error_22_a_model_that_scores_every_item_alike_has_the_worst"
        "_rank",
    ),
    23: (
        "one epoch too few",
        "workflow/test_training.py::test_as_many_epochs_are_trained_as_were_requested",
    ),
    24: (
        "unsorted input corrupts offsets",
        "dataset/test_build.py::test_any_order_of_the_rows_gives_the_same_dataset",
    ),
    25: (
        "leaking splits",
        "dataset/test_splits.py::test_a_session_belongs_where_its_last_event_lies",
    ),
    26: (
        "padding runs through the GRU",
        f"{GRU}/test_inference.py::test_error_26_a_longer_session_beside_it_does_not_pad_a_session",
    ),
    27: (
        "the last item alone decides, or the batch's other rows do",
        f"{GRU}/test_inference.py::test_error_27_the_next_item_depends_on_the_whole_session_and_on_"
        "no_other",
    ),
    28: (
        "training mode at inference",
        f"{GRU}/test_inference.py::test_error_28_two_calls_give_the_same_scores",
    ),
    29: (
        "recall@1 above recall@5",
        "evaluation/test_metrics.py::test_error_29_a_metric_at_1_is_never_above_the_same_at_5",
    ),
    30: (
        "ties ordered by item, float32 time",
        "evaluation/test_ranks.py::test_error_30_a_tie_does_not_depend_on_where_the_item_stands",
    ),
}


def test_every_known_error_has_its_test():
    assert sorted(KNOWN_ERRORS) == list(range(1, 31))


@pytest.mark.parametrize("number", KNOWN_ERRORS)
def test_the_test_of_a_known_error_is_there(number: int):
    place, _, function = KNOWN_ERRORS[number][1].partition("::")
    tree = ast.parse((TESTS / place).read_text(encoding="utf-8"))
    names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert function in names
