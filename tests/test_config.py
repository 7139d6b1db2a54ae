"""Every bound on an option, and what is said when it is not kept."""

from dataclasses import asdict, fields

import pytest

from sbrcli.config.evaluation import EvaluateConfig
from sbrcli.config.loss import LossConfig, parse_n_sample
from sbrcli.config.optimizer import OptimizerConfig
from sbrcli.config.output import OutputConfig
from sbrcli.config.prepare import PrepareConfig
from sbrcli.config.recommendation import RecommendConfig
from sbrcli.config.run import RunConfig
from sbrcli.config.session_rule import SessionRule
from sbrcli.config.training import CheckpointConfig, differences, training_config, tunable_options
from sbrcli.errors import ConfigError
from sbrcli.models.gru4rec.options import Gru4RecConfig
from sbrcli.models.gru4rec.presets import PRESETS
from tests.builders import TrainConfig


@pytest.mark.parametrize("text", ["user", "column", "gap:3600", "gap:0.5", "gap:1234567"])
def test_a_session_rule_is_written_as_it_is_read(text):
    assert str(SessionRule.parse(text)) == text


@pytest.mark.parametrize("text", ["gap:0", "gap:-1", "gap:nan", "gap:inf", "gap:", "gap:x"])
def test_a_gap_must_be_a_number_of_seconds_above_0(text):
    with pytest.raises(ConfigError) as caught:
        SessionRule.parse(text)
    assert str(caught.value) == (
        "the gap of a session must be a number of seconds above 0, as in gap:3600. "
        f"Received: {text}"
    )


@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        (
            PrepareConfig,
            {"min_session_length": 1},
            "min-session-length must be at least 2 (one event has no next item). Received: 1",
        ),
        (
            PrepareConfig,
            {"min_item_support": 0},
            "min-item-support must be at least 1. Received: 0",
        ),
        (PrepareConfig, {"split": "first"}, "split must be date, last or time. Received: first"),
        (
            PrepareConfig,
            {"valid_days": -1.0},
            "valid-days must be a number of days, at least 0. Received: -1.0",
        ),
        (
            PrepareConfig,
            {"test_days": -0.5},
            "test-days must be a number of days, at least 0. Received: -0.5",
        ),
        (
            PrepareConfig,
            {"test_days": float("nan")},
            "test-days must be a number of days, at least 0. Received: nan",
        ),
        (
            PrepareConfig,
            {"test_days": 1.0, "test_share": 0.5},
            "test takes days or a share, not both. Received: 1.0 days and 0.5",
        ),
        (
            PrepareConfig,
            {"valid_days": 0.0, "valid_share": 0.5},
            "valid takes days or a share, not both. Received: 0.0 days and 0.5",
        ),
        (
            PrepareConfig,
            {"test_share": 0.0},
            "test-share must be above 0 and below 1. Received: 0.0",
        ),
        (
            PrepareConfig,
            {"valid_share": 1.0},
            "valid-share must be above 0 and below 1. Received: 1.0",
        ),
        (
            PrepareConfig,
            {"across_users": True},
            "across-users goes with gap sessions alone, as in --session gap:3600 --across-users. "
            "Received: no --session",
        ),
        (
            PrepareConfig,
            {"max_user_events": 1},
            "max-user-events must be at least 2 (one event has no next item). Received: 1",
        ),
        (
            PrepareConfig,
            {"max_user_events": 9, "session": "column"},
            "max-user-events goes with sessions made of users: --session user, or gap:SECONDS. "
            "Received: --session column",
        ),
        (TrainConfig, {"layers": 0}, "layers must be at least 1. Received: 0"),
        (TrainConfig, {"hsz": ()}, "hsz must be 1 to 100,000. Received: "),
        (TrainConfig, {"hsz": (5, 0), "layers": 2}, "hsz must be 1 to 100,000. Received: 5,0"),
        (
            TrainConfig,
            {"hsz": (5, 6), "layers": 3},
            "hsz must be one number for all layers, or one for each. "
            "Received: --layers 3 --hsz 5,6",
        ),
        (TrainConfig, {"dropout": 1.0}, "dropout must be at least 0 and below 1. Received: 1.0"),
        (
            TrainConfig,
            {"embedding_dropout": -0.1},
            "embedding-dropout must be at least 0 and below 1. Received: -0.1",
        ),
        (
            TrainConfig,
            {"embedding": "x"},
            "embedding must be one of none, separate, shared. Received: x",
        ),
        (
            TrainConfig,
            {"optimizer": "sgd"},
            "optimizer must be one of adagrad, adam. Received: sgd",
        ),
        (
            TrainConfig,
            {"learning_rate": 0.0},
            "learning-rate must be a number above 0. Received: 0.0",
        ),
        (
            TrainConfig,
            {"optimizer": "adam"},
            "momentum goes with --optimizer adagrad alone. "
            "Received: --optimizer adam --momentum 0.3",
        ),
        (TrainConfig, {"batch_size": 0}, "batch-size must be at least 1. Received: 0"),
        (TrainConfig, {"bptt": 0}, "bptt must be at least 1. Received: 0"),
        (TrainConfig, {"epochs": 0}, "epochs must be at least 1. Received: 0"),
        (TrainConfig, {"seed": -1}, "seed must be 0 to 2147483647. Received: -1"),
        (TrainConfig, {"n_sample": -1}, "n-sample must be auto or 0 to 10,000,000. Received: -1"),
        (TrainConfig, {"sample_alpha": -0.5}, "sample-alpha must be at least 0. Received: -0.5"),
        (TrainConfig, {"logq": -1.0}, "logq must be at least 0. Received: -1.0"),
        (TrainConfig, {"bpreg": -1.0}, "bpreg must be at least 0. Received: -1.0"),
        (TrainConfig, {"elu": -1.0, "loss": "bpr-max"}, "elu must be at least 0. Received: -1.0"),
        (TrainConfig, {"clip_norm": -1.0}, "clip-norm must be at least 0. Received: -1.0"),
        (TrainConfig, {"clip_norm": float("nan")}, "clip-norm must be at least 0. Received: nan"),
        (TrainConfig, {"patience": -1}, "patience must be at least 0. Received: -1"),
        (EvaluateConfig, {"ks": (0,)}, "k must be at least 1. Received: 0"),
        (EvaluateConfig, {"split": "train"}, "split must be test or valid. Received: train"),
        (RecommendConfig, {"k": 0}, "k must be at least 1. Received: 0"),
        (
            PrepareConfig,
            {"across_users": True, "session": "user"},
            "across-users goes with gap sessions alone, as in --session gap:3600 --across-users. "
            "Received: --session user",
        ),
        (TrainConfig, {"layers": 51}, "layers must be at most 50. Received: 51"),
        (TrainConfig, {"epochs": 2_000_000}, "epochs must be at most 1,000,000. Received: 2000000"),
        (
            CheckpointConfig,
            {"minutes": 0.0},
            "checkpoint-minutes must be a number above 0. Received: 0.0",
        ),
        (EvaluateConfig, {"batch_size": 0}, "batch-size must be at least 1. Received: 0"),
    ],
)
def test_an_option_out_of_bounds_is_refused(make, options, message):
    with pytest.raises(ConfigError) as caught:
        make(**options)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"loss": "mse"},
            "loss must be one of cross-entropy, bpr-max, top1-max, bpr, top1. Received: mse",
        ),
        ({"schedule": "step"}, "schedule must be one of constant, linear, cosine. Received: step"),
        ({"device": "tpu"}, "device must be one of auto, cpu, gpu. Received: tpu"),
        ({"threads": -1}, "threads must be at least 0. Received: -1"),
        ({"n_sample": -5}, "n-sample must be auto or 0 to 10,000,000. Received: -5"),
        ({"label_smoothing": 1.0}, "label-smoothing must be at least 0 and below 1. Received: 1.0"),
        (
            {"label_smoothing": 0.1, "loss": "bpr"},
            "label-smoothing goes with --loss cross-entropy alone. "
            "Received: --loss bpr --label-smoothing 0.1",
        ),
        (
            {"elu": 0.5},
            "elu goes with the ranking losses, not with --loss cross-entropy. Received: --elu 0.5",
        ),
        (
            {"optimizer": "adam", "momentum": 0.3},
            "momentum goes with --optimizer adagrad alone. "
            "Received: --optimizer adam --momentum 0.3",
        ),
    ],
)
def test_what_a_training_option_may_be_is_reported_in_full(options, message):
    with pytest.raises(ConfigError) as caught:
        TrainConfig(**options)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("n_sample", "num_items", "expected"),
    [(None, 10_000, 0), (None, 10_001, 8192), (0, 10**6, 0), (64, 10, 64)],
)
def test_few_items_are_all_compared_and_of_many_some_are_drawn(n_sample, num_items, expected):
    assert TrainConfig(n_sample=n_sample).negatives(num_items) == expected


def test_one_size_serves_for_every_layer():
    assert TrainConfig(layers=3, hsz=(50,)).units == (50, 50, 50)
    assert TrainConfig(layers=2, hsz=(100, 50)).units == (100, 50)


def test_every_preset_is_a_valid_configuration():
    for options in PRESETS.values():
        TrainConfig(**options)


def test_differences_name_what_is_not_the_default():
    assert differences(TrainConfig(epochs=3), TrainConfig()) == {"epochs": 3}


def test_a_training_lists_its_options_from_the_network_to_the_run_in_this_order():
    parts = (Gru4RecConfig, OutputConfig, LossConfig, OptimizerConfig, RunConfig)
    assert list(asdict(TrainConfig())) == [field.name for part in parts for field in fields(part)]


def test_each_part_of_a_training_configuration_stands_alone():
    assert LossConfig(n_sample=64).negatives(10) == 64
    with pytest.raises(ConfigError, match=r"^momentum goes with --optimizer adagrad alone"):
        OptimizerConfig(optimizer="adam")


@pytest.mark.parametrize("tunable", tunable_options(TrainConfig), ids=lambda one: one.name)
def test_both_ends_of_a_search_range_are_valid(tunable):
    search = tunable.search
    for number in (search.low, search.high):
        loss = "bpr-max" if tunable.name == "elu" else "cross-entropy"
        TrainConfig(loss=loss, **{tunable.name: tunable.value_of(number)})
    assert search.low < search.high
    assert search.low > 0 or not search.is_log


def test_a_tunable_option_says_what_its_values_are():
    tunable = {one.name: one for one in tunable_options(TrainConfig)}
    kinds = {name: (one.is_integer, one.is_sequence) for name, one in tunable.items()}
    assert kinds["hsz"] == (True, True)
    assert (kinds["batch_size"], kinds["dropout"]) == ((True, False), (False, False))
    assert (tunable["batch_size"].flag, tunable["batch_size"].default) == ("batch-size", 32)
    assert [tunable[name].value_of(99.6) for name in ("hsz", "batch_size")] == [(100,), 100]
    assert tunable["dropout"].value_of(0.25) == 0.25
    assert "epochs" not in tunable


def test_a_family_cannot_declare_an_option_that_every_network_has():
    with pytest.raises(TypeError, match=r"^LossConfig declares .*loss.* again$"):
        training_config(LossConfig)


def test_a_text_that_is_no_number_of_negatives_is_refused():
    with pytest.raises(ConfigError) as caught:
        parse_n_sample("some")
    assert str(caught.value) == "n-sample must be auto or a whole number. Received: some"
