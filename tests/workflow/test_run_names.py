"""How runs are called."""

import json
from pathlib import Path

from sbrcli.models.gru4rec.family import FAMILY
from sbrcli.workflow.run_names import default_run_name, earlier_run_name, write_words
from tests.builders import TrainConfig
from tests.chains import make_workspace
from tests.cli.small_run import SMALL

USUAL = TrainConfig()


def name(**options: object) -> str:
    return default_run_name("user", FAMILY, TrainConfig(**options), USUAL)


def test_a_name_says_what_differs_in_words():
    assert name() == "user-1x100"
    assert name(layers=2, hsz=(100, 50)) == "user-2x100-50"
    assert name(epochs=1) == "user-1x100-epochs1"
    assert name(learning_rate=0.05, batch_size=64, refit=True) == (
        "user-1x100-lr0.05-batch64-refit"
    )
    assert name(loss="bpr-max", elu=1.0) == "user-1x100-bpr-max-elu1"
    assert name(embedding="none", monitor="recall@20") == (
        "user-1x100-embedding-none-monitor-recall20"
    )
    assert name(n_sample=0, device="cpu") == "user-1x100-sample0-device-cpu"


def test_different_options_have_different_words():
    words = [
        write_words({"n_sample": None}),
        write_words({"n_sample": 0}),
        write_words({"shuffle": True}),
        write_words({"shuffle": False}),
        write_words({"dropout": 0.1}),
        write_words({"embedding_dropout": 0.1}),
    ]
    assert words == ["sampleauto", "sample0", "shuffle", "no-shuffle", "dropout0.1", "embdrop0.1"]


def test_where_the_words_would_be_long_a_hash_stands_for_them():
    options = {
        "dropout": 0.15,
        "embedding_dropout": 0.25,
        "sample_alpha": 0.75,
        "label_smoothing": 0.125,
        "learning_rate": 0.0625,
        "clip_norm": 1.5,
    }
    found = name(**options)
    assert len(found) == len("user-1x100-") + 6
    assert found == earlier_run_name("user", FAMILY, TrainConfig(**options), USUAL)


def test_a_run_that_an_earlier_version_named_is_found_by_the_same_command(sbr, tmp_path):
    make_workspace(tmp_path / "sbr-work")
    run = json.loads(sbr("train", *SMALL, "--json").stdout)["run"]
    assert run == "user-1x4-batch4-bptt4-epochs2"
    runs = Path("sbr-work/runs")
    usual = TrainConfig(batch_size=64, bptt=8)
    config = TrainConfig(hsz=(4,), batch_size=4, bptt=4, epochs=2)
    earlier = earlier_run_name("user", FAMILY, config, usual)
    (runs / run).rename(runs / earlier)
    said = sbr("train", *SMALL, "--json")
    assert json.loads(said.stdout)["run"] == earlier
    assert said.stderr == f"run {earlier} already exists, trained with the same options\n"


def test_a_long_name_of_a_dataset_leaves_a_hash_for_the_options():
    dataset = "x" * 80
    words = {"learning_rate": 0.05, "batch_size": 64, "n_sample": 0, "refit": True, "epochs": 3}
    found = default_run_name(dataset, FAMILY, TrainConfig(**words), USUAL)
    assert found == earlier_run_name(dataset, FAMILY, TrainConfig(**words), USUAL)
    assert len(found) == 80 + len("-1x100-") + 6
