"""Baselines' options, as a user says them in one string."""

import pytest

from sbrcli.errors import ConfigError
from sbrcli.models.baselines.item_knn import ItemKnnConfig
from sbrcli.models.baselines.markov import MarkovConfig
from sbrcli.models.baselines.options import parse_options, write_options
from sbrcli.models.baselines.registry import BASELINES, parse_names
from sbrcli.models.baselines.stan import StanConfig
from sbrcli.models.baselines.vsknn import VsknnConfig


def test_all_names_every_baseline():
    assert parse_names("all") == tuple(BASELINES)
    assert parse_names("all,markov") == parse_names("markov, all") == tuple(BASELINES)


def test_names_come_once_in_the_order_given():
    assert parse_names("vsknn,markov,vsknn") == ("vsknn", "markov")
    assert parse_names("vsknn, markov") == ("vsknn", "markov")


def test_what_is_not_said_stays_as_it_is():
    found = parse_options("vsknn", "k=50,weighting=quadratic,idf=1", VsknnConfig(sample=7))
    assert found == VsknnConfig(k=50, sample=7, weighting="quadratic", idf=1.0)
    assert parse_options("vsknn", "", VsknnConfig()) == VsknnConfig()
    assert parse_options("vsknn", "k=5, idf=1", VsknnConfig()) == VsknnConfig(k=5, idf=1.0)


def test_options_are_written_as_they_are_read():
    options = VsknnConfig(k=5, idf=0.5, decay="same")
    text = write_options(options)
    assert text == "k=5,sample=1000,weighting=linear,decay=same,idf=0.5"
    assert parse_options("vsknn", text, VsknnConfig()) == options


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (
            lambda: parse_names("vsknn,stamp"),
            "baselines must be all, or some of popularity, session-popularity, markov, item-knn, "
            "vsknn, stan. Received: stamp",
        ),
        (
            lambda: parse_options("markov", "step=3", MarkovConfig()),
            "markov takes steps=…, decay=…, with commas between. Received: step=3",
        ),
        (
            lambda: parse_options("markov", "steps", MarkovConfig()),
            "markov takes steps=…, decay=…, with commas between. Received: steps",
        ),
        (
            lambda: parse_options("vsknn", "k=many", VsknnConfig()),
            "vsknn's k must be a number. Received: many",
        ),
        (
            lambda: parse_options("vsknn", "k=0", VsknnConfig()),
            "vsknn's k must be at least 1. Received: 0",
        ),
        (
            lambda: parse_options("vsknn", "weighting=div", VsknnConfig()),
            "vsknn's weighting must be one of same, linear, quadratic. Received: div",
        ),
        (
            lambda: parse_options("vsknn", "decay=log", VsknnConfig()),
            "vsknn's decay must be one of same, linear, div, quadratic. Received: log",
        ),
        (
            lambda: VsknnConfig(weighting="div"),  # pyright: ignore[reportArgumentType]
            "weighting must be one of same, linear, quadratic. Received: div",
        ),
        (
            lambda: MarkovConfig(decay="log"),  # pyright: ignore[reportArgumentType]
            "decay must be one of same, div. Received: log",
        ),
        (lambda: StanConfig(lambda1=0), "lambda1 must be above 0. Received: 0"),
        (lambda: StanConfig(lambda2=0), "lambda2 must be above 0. Received: 0"),
        (lambda: StanConfig(lambda3=0), "lambda3 must be above 0. Received: 0"),
        (
            lambda: parse_options("stan", "lambda2=0", StanConfig()),
            "stan's lambda2 must be above 0. Received: 0.0",
        ),
        (
            lambda: parse_options("stan", "lambda3=inf", StanConfig()),
            "stan's lambda3 must be above 0. Received: inf",
        ),
        (
            lambda: parse_options("vsknn", "idf=nan", VsknnConfig()),
            "vsknn's idf must be at least 0. Received: nan",
        ),
        (
            lambda: parse_options("item-knn", "damping=-1", ItemKnnConfig()),
            "item-knn's damping must be at least 0. Received: -1.0",
        ),
        (
            lambda: parse_options("markov", "steps=1001", MarkovConfig()),
            "markov's steps must be at most 1,000. Received: 1001",
        ),
    ],
)
def test_what_cannot_be_is_refused(act, message):
    with pytest.raises(ConfigError) as error:
        act()
    assert str(error.value) == message
