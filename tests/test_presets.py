"""Every preset against the published table, written once more as its rows."""

from typing import Any

import pytest

from sbrcli.errors import ConfigError
from sbrcli.models.configuration import configure_training
from sbrcli.models.gru4rec.presets import PRESETS
from tests.builders import TrainConfig

COLUMNS = (
    *("loss", "hsz", "batch_size", "embedding_dropout", "dropout"),
    *("learning_rate", "momentum", "sample_alpha"),
)
XE, MAX = "cross-entropy", "bpr-max"
OFFICIAL = {
    "rsc15": (XE, (100,), 32, 0.1, 0.0, 0.1, 0.0, 0.75),
    "yoochoose": (XE, (480,), 48, 0.0, 0.2, 0.07, 0.0, 0.2),
    "rees46": (XE, (512,), 240, 0.45, 0.0, 0.065, 0.0, 0.5),
    "coveo": (MAX, (512,), 144, 0.35, 0.0, 0.05, 0.4, 0.2),
    "retailrocket": (MAX, (224,), 80, 0.5, 0.05, 0.05, 0.4, 0.4),
    "diginetica": (MAX, (512,), 128, 0.5, 0.3, 0.05, 0.15, 0.3),
}
BPREG_AND_ELU = {"coveo": (1.85, 1.0), "retailrocket": (1.95, 0.5), "diginetica": (0.9, 1.0)}


@pytest.mark.parametrize(("name", "row"), OFFICIAL.items(), ids=OFFICIAL.keys())
def test_an_official_preset_is_its_row_of_the_table(name, row):
    config = TrainConfig(**PRESETS[name])
    assert {column: getattr(config, column) for column in COLUMNS} == dict(
        zip(COLUMNS, row, strict=True)
    )
    if name in BPREG_AND_ELU:
        assert (config.bpreg, config.elu) == BPREG_AND_ELU[name]
    else:
        assert (config.logq, config.elu) == (1.0, 0.0)


@pytest.mark.parametrize("name", OFFICIAL)
def test_the_official_presets_share_the_rest(name):
    config = TrainConfig(**PRESETS[name])
    assert (config.embedding, config.optimizer, config.schedule) == (
        "shared",
        "adagrad",
        "constant",
    )
    assert (config.layers, config.n_sample, config.epochs, config.bptt) == (1, 2048, 10, 1)
    assert (config.label_smoothing, config.clip_norm, config.shuffle) == (0.0, 0.0, False)
    assert config.repeats == "off"


def test_the_notebooks_preset_is_what_the_notebook_trains():
    config = TrainConfig(**PRESETS["notebook"])
    assert (config.embedding, config.layers, config.hsz) == ("none", 1, (50,))
    assert (config.optimizer, config.learning_rate) == ("adam", 0.001)
    assert (config.loss, config.n_sample) == ("cross-entropy", 0)
    assert (config.batch_size, config.bptt, config.epochs) == (64, 1, 3)
    assert (config.dropout, config.embedding_dropout, config.repeats) == (0.1, 0.0, "off")


def test_there_are_these_presets_and_no_others():
    assert set(PRESETS) == {"notebook", "best", *OFFICIAL}


def test_what_the_user_says_goes_before_the_preset():
    config = configure_training({"hsz": (64,), "elu": 0.0, "bptt": None}, "coveo")
    assert (config.hsz, config.elu, config.bptt) == ((64,), 0.0, 1)
    assert config.bpreg == 1.85


@pytest.mark.parametrize("preset", [None, "coveo"])
def test_several_sizes_are_as_many_layers_unless_their_number_is_given(preset):
    config = configure_training({"hsz": (100, 50)}, preset)
    assert (config.layers, config.units) == (2, (100, 50))
    assert configure_training({"hsz": (100,)}, preset).layers == 1
    with pytest.raises(ConfigError, match=r"Received: --layers 1 --hsz 100,50"):
        configure_training({"layers": 1, "hsz": (100, 50)}, preset)


def test_n_sample_auto_goes_before_a_presets_number():
    assert configure_training({}, "notebook").n_sample == 0
    assert configure_training({"n_sample": "auto"}, "notebook").n_sample is None
    assert configure_training({"n_sample": "auto"}, None).n_sample is None


def test_another_loss_leaves_behind_what_the_preset_says_for_its_own():
    config = configure_training({"loss": "cross-entropy"}, "coveo")
    assert (config.loss, config.elu, config.bpreg) == ("cross-entropy", 0.0, TrainConfig().bpreg)
    assert (config.learning_rate, config.momentum) == (0.05, 0.4)
    assert configure_training({"loss": "bpr-max"}, "coveo").elu == 1.0


def test_another_optimizer_leaves_behind_the_presets_rate_and_momentum():
    config = configure_training({"optimizer": "adam"}, "coveo")
    assert (config.optimizer, config.learning_rate, config.momentum) == ("adam", 0.002, 0.0)
    config = configure_training({"optimizer": "adagrad"}, "notebook")
    assert (config.learning_rate, config.momentum) == (
        TrainConfig().learning_rate,
        TrainConfig().momentum,
    )
    assert configure_training({"optimizer": "adam", "learning_rate": 0.1}, "coveo").momentum == 0


@pytest.mark.parametrize("short", [False, True])
def test_sasrec_has_defaults_of_its_own_behind_its_preset_and_the_user(short):
    def configured(preset: str | None = None, **given: Any) -> Any:
        return configure_training(given, preset, short_sessions=short, model="sasrec")

    usual, best = configured(), configured("best")
    assert (usual.learning_rate, usual.average_weights, usual.gates) == (0.02, 0.0, False)
    assert (best.learning_rate, best.average_weights, best.gates) == (0.03, 0.2, True)
    assert (best.dropout, best.embedding_dropout) == (0.1, 0.0)
    assert best.window == usual.window
    given = configured("best", learning_rate=0.01, average_weights=0.0)
    assert (given.learning_rate, given.average_weights, given.gates) == (0.01, 0.0, True)
    assert configured("best", optimizer="adam").learning_rate == 0.002
    assert configured(optimizer="adam").learning_rate == 0.002
    assert configured(learning_rate=0.05).learning_rate == 0.05


@pytest.mark.parametrize("model", ["gru4rec", "sasrec"])
def test_repeats_are_learned_unless_sessions_are_short(model):
    of = {
        short: configure_training({}, None, short_sessions=short, model=model)
        for short in (False, True)
    }
    assert (of[False].repeats, of[True].repeats) == ("learned", "off")


def test_without_a_preset_the_optimizer_brings_its_own_defaults():
    assert configure_training({}, None) == TrainConfig()
    assert configure_training({"optimizer": "adam"}, None).learning_rate == 0.002


def test_short_sessions_have_defaults_of_their_own_behind_what_the_user_says():
    config = configure_training({"bptt": 4}, None, short_sessions=True)
    assert (config.bptt, config.batch_size, config.learning_rate) == (4, 64, 0.1)
    assert (config.dropout, config.embedding_dropout) == (0.3, 0.3)
    best = configure_training({}, "best", short_sessions=True)
    assert (best.hsz, best.bptt, best.learning_rate) == ((192,), 8, 0.1)
    assert configure_training({}, "coveo", short_sessions=True) == configure_training({}, "coveo")
    assert (config.repeats, best.repeats) == ("off", "off")
    assert (
        configure_training({"repeats": "learned"}, None, short_sessions=True).repeats == "learned"
    )
    adam = configure_training({"optimizer": "adam"}, None, short_sessions=True)
    assert (adam.learning_rate, adam.momentum, adam.bptt) == (0.002, 0.0, 8)


def test_an_unknown_preset_is_refused_with_the_names_there_are():
    with pytest.raises(ConfigError) as caught:
        configure_training({}, "movielens")
    assert str(caught.value) == (
        "preset must be one of notebook, best, rsc15, yoochoose, rees46, coveo, retailrocket, "
        "diginetica. Received: movielens"
    )
