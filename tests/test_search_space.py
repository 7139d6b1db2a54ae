"""The texts of `sbr tune`: ranges, choices, grids and durations."""

import pytest

from sbrcli.config import search_texts
from sbrcli.config.search_space import Choices, Range, default_space, space_document, written
from sbrcli.config.tuning import parse_duration
from sbrcli.errors import ConfigError, OptionError
from sbrcli.models.configuration import config_class_of

TrainConfig = config_class_of("gru4rec")

CROSS_ENTROPY = {"hsz", "dropout", "embedding_dropout", "label_smoothing", "learning_rate",
                 "momentum", "batch_size", "bptt"}  # fmt: skip


def parse_search(texts, whole):
    return search_texts.parse_search(texts, whole, TrainConfig)


def parse_grid(texts, others=()):
    return search_texts.parse_grid(texts, TrainConfig, others)


def test_the_default_space_holds_the_options_that_have_an_effect():
    assert set(default_space(TrainConfig(), (), 1_000)) == CROSS_ENTROPY
    # From 10,000 items on negatives are drawn.
    drawn = set(default_space(TrainConfig(), (), 20_000))
    assert drawn == CROSS_ENTROPY | {"sample_alpha", "logq"}
    ranking = set(default_space(TrainConfig(loss="bpr-max"), (), 1_000))
    assert ranking == (CROSS_ENTROPY - {"label_smoothing"}) | {"bpreg", "elu"}


def test_a_fixed_option_is_not_in_the_default_space():
    assert "dropout" not in default_space(TrainConfig(), ["dropout"], 1_000)


def test_the_range_of_the_learning_rate_moves_with_the_optimizers_default():
    adam = TrainConfig(optimizer="adam", learning_rate=0.002, momentum=0.0)
    space = default_space(adam, (), 1_000)
    # 0.01 and 0.3 times 0.002 / 0.07
    assert space["learning_rate"] == Range(0.0003, 0.009, is_log=True)
    assert "momentum" not in space


@pytest.mark.parametrize(
    ("text", "name", "dimension"),
    [
        ("hsz=50:300", "hsz", Range(50, 300, is_log=True, is_whole=True)),
        ("hsz=50:300:linear", "hsz", Range(50, 300, is_whole=True)),
        ("hsz=50,100", "hsz", Choices(((50,), (100,)))),
        ("hsz=100;50,50", "hsz", Choices(((100,), (50, 50)))),
        ("dropout=0:0.5", "dropout", Range(0, 0.5)),
        ("--learning-rate=0.01:0.3", "learning_rate", Range(0.01, 0.3, is_log=True)),
        ("learning_rate", "learning_rate", Range(0.01, 0.3, is_log=True)),
        ("clip-norm=1:10:log", "clip_norm", Range(1, 10, is_log=True)),
        ("loss=bpr-max,top1", "loss", Choices(("bpr-max", "top1"))),
        ("shuffle=yes,no", "shuffle", Choices((True, False))),
        ("n-sample=auto,512,512", "n_sample", Choices(("auto", 512))),
        ("layers=1:3", "layers", Range(1, 3, is_whole=True)),
    ],
)
def test_a_search_is_a_range_or_choices(text, name, dimension):
    assert parse_search([text], {}) == {name: dimension}


def test_searches_replace_the_default_space_and_all_adds_it():
    whole = {"dropout": Range(0, 0.6), "hsz": Range(32, 256, True, True)}
    assert parse_search([], whole) == whole
    assert parse_search(["layers=1:2"], whole) == {"layers": Range(1, 2, is_whole=True)}
    both = parse_search(["dropout=0:0.1", "all"], whole)
    assert both == {"dropout": Range(0, 0.1), "hsz": Range(32, 256, True, True)}


@pytest.mark.parametrize(
    ("text", "kind", "message", "hint"),
    [
        (
            "hzs=1:2",
            OptionError,
            "--search takes an option of sbr train that can be tuned. Received: hzs=1:2",
            "did you mean hsz?",
        ),
        (
            "xyzzy=1:2",
            OptionError,
            "--search takes an option of sbr train that can be tuned. Received: xyzzy=1:2",
            "sbr train --help lists them",
        ),
        (
            "dropout=0:x",
            OptionError,
            "--search dropout=0:x: dropout must be a number. Received: x",
            None,
        ),
        (
            "bptt=1.5:8",
            OptionError,
            "--search bptt=1.5:8: bptt must be a whole number. Received: 1.5",
            None,
        ),
        (
            "dropout=0:1",
            ConfigError,
            "--search dropout=0:1: dropout must be at least 0 and below 1. Received: 1.0",
            None,
        ),
        (
            "loss=mse",
            OptionError,
            "--search loss=mse: loss must be one of cross-entropy, bpr-max, top1-max, bpr, top1. "
            "Received: mse",
            None,
        ),
        (
            "hsz=5,5:10",
            OptionError,
            "--search hsz=5,5:10: hsz takes a range of numbers. Received: 5,5",
            None,
        ),
        (
            "shuffle=maybe",
            OptionError,
            "--search shuffle=maybe: shuffle must be yes or no. Received: maybe",
            None,
        ),
        (
            "dropout=0.5:0.1",
            ConfigError,
            "--search dropout=0.5:0.1: the range's lower bound must be below its upper one. "
            "Received: 0.5:0.1",
            None,
        ),
        (
            "dropout=0:0.5:log",
            ConfigError,
            "--search dropout=0:0.5:log: a log range must begin above 0. Received: 0:0.5:log",
            None,
        ),
        (
            "dropout=0:0.5:cubic",
            OptionError,
            "--search dropout=0:0.5:cubic: a range is LOW:HIGH or LOW:HIGH:log. "
            "Received: 0:0.5:cubic",
            None,
        ),
        (
            "layers",
            OptionError,
            "--search layers: layers has no range of its own",
            "give one: --search layers=LOW:HIGH",
        ),
        (
            "shuffle=",
            OptionError,
            "--search shuffle=: no values, as in --search shuffle=yes,no",
            None,
        ),
        (
            "loss",
            OptionError,
            "--search loss: loss has no range of its own",
            "give one: --search loss=cross-entropy,bpr-max",
        ),
    ],
)
def test_a_search_that_cannot_be_read_names_its_flag(text, kind, message, hint):
    with pytest.raises(ConfigError) as caught:
        parse_search([text], {})
    assert (type(caught.value), str(caught.value), caught.value.hint) == (kind, message, hint)


def test_an_option_is_searched_once():
    with pytest.raises(OptionError, match="hsz") as caught:
        parse_search(["hsz=5:6", "hsz=9:10"], {})
    assert str(caught.value) == "--search has hsz twice. Received: hsz=9:10"


@pytest.mark.parametrize("name", ["monitor", "refit", "device", "threads"])
def test_what_judges_a_trial_or_where_it_runs_is_not_tuned(name):
    with pytest.raises(OptionError):
        parse_search([f"{name}=1,2"], {})


def test_a_grid_also_varies_what_is_trained_on():
    assert parse_grid(["last-days=30,7.5"]) == {"last_days": (30.0, 7.5)}


def test_a_grid_is_values_by_option():
    grid = parse_grid(["layers=1,2", "hsz=30,50,30", "session=user,gap:3600"], ["session"])
    assert grid == {"layers": (1, 2), "hsz": ((30,), (50,)), "session": ("user", "gap:3600")}


@pytest.mark.parametrize("text", ["layers", "layers=", "layers=1,,2"])
def test_a_grid_needs_values(text):
    words = "--grid takes an option and its values, as in --grid layers=1,2. Received: "
    with pytest.raises(OptionError) as caught:
        parse_grid([text])
    assert str(caught.value) == words + text


def test_a_grid_checks_its_values_and_names_each_option_once():
    with pytest.raises(ConfigError, match=r"^--grid hsz=0: hsz must be 1 to 100,000"):
        parse_grid(["hsz=0"])
    with pytest.raises(OptionError) as caught:
        parse_grid(["hsz=5", "hsz=6"])
    assert str(caught.value) == "--grid has hsz twice. Received: hsz=6"


def test_a_drawn_number_is_used_with_three_digits_and_within_bounds():
    assert Range(0.1234, 0.5).value_of(0.2878787) == 0.288
    assert Range(0.1234, 0.5).value_of(0.12341) == 0.1234
    assert Range(1, 9, is_whole=True).value_of(4.0) == 4


def test_spaces_and_values_are_plain_json():
    assert space_document({"hsz": Choices(((50,), (50, 50)))}) == {
        "hsz": {"choices": [50, "50,50"]}
    }
    assert written(None) == "auto"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("40m", 2400), ("1h", 3600), ("1h30m", 5400), ("3600", 3600), ("0.5h", 1800)],
)
def test_a_duration_has_units(text, seconds):
    assert parse_duration(text) == seconds


def test_what_is_no_duration_is_refused():
    words = r"^time-limit must be a duration such as 90s, 40m, 1h, 1h30m\. Received: soon$"
    with pytest.raises(OptionError, match=words):
        parse_duration("soon")
    with pytest.raises(ConfigError, match=r"^time-limit must be above 0\. Received: 0m$"):
        parse_duration("0m")
