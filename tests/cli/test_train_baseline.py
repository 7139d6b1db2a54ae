"""A baseline is a run: it evaluates, compares, reports, recommends and is removed like others."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from sbrcli.artefacts.items import ITEMS_FILE, load_items
from sbrcli.artefacts.manifests import MANIFEST, read_json, write_json
from sbrcli.artefacts.workspace import Workspace
from sbrcli.dataset.storage import load_split
from sbrcli.errors import ArtefactError, ConfigError
from sbrcli.models.baselines.options import default_options
from sbrcli.models.baselines.registry import BASELINES, fit_baseline
from sbrcli.models.loading import load_model, load_scorer
from sbrcli.workflow.train_baseline import make_baseline_job, train_baseline
from tests.builders import make_run
from tests.chains import make_workspace
from tests.cli.test_startup import SLOW, modules_of

RUNS = Path("sbr-work", "runs")


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    made = make_workspace(tmp_path / "sbr-work")
    fingerprint = made.open("dataset").fingerprint
    make_run(
        tmp_path / "sbr-work",
        name="network",
        ids=[str(item) for item in range(40)],
        dataset={"name": "user", "fingerprint": fingerprint},
    )
    return made


@pytest.mark.parametrize("model", BASELINES)
@pytest.mark.usefixtures("workspace")
def test_its_run_has_the_figures_of_its_row_in_the_leaderboard(sbr, model):
    board = json.loads(sbr("evaluate", "network", "--baselines", model, "--json").stdout)
    row = next(row for row in board["leaderboard"] if row["model"] == model)
    said = sbr("train", "--model", model, "--json")
    assert (said.code, said.stderr) == (0, f"run user-{model} on dataset user\n")
    trained = json.loads(said.stdout)
    assert (trained["run"], trained["best_epoch"]) == (f"user-{model}", 1)
    found = json.loads(sbr("evaluate", f"user-{model}", "--json").stdout)
    assert found["model"] == model
    assert found["metrics"] == row["metrics"]
    protocols = [one["protocol"] | {"tie_share": None} for one in (found, board)]
    assert protocols[0] == protocols[1]
    valid = json.loads(sbr("evaluate", f"user-{model}", "--split", "valid", "--json").stdout)
    assert valid["metrics"]["mrr@20"] == pytest.approx(trained["epochs"][0]["mrr@20"])


@pytest.mark.usefixtures("workspace")
def test_its_options_are_those_of_the_command_line_and_in_its_name(sbr):
    words = ("train", "--model", "vsknn", "--vsknn", "k=7,idf=1")
    assert json.loads(sbr(*words, "--json").stdout)["run"] == "user-vsknn-k7-idf1"
    manifest = read_json(RUNS / "user-vsknn-k7-idf1" / MANIFEST)
    assert (manifest["model"], manifest["status"]) == ("vsknn", "complete")
    assert (manifest["config"]["k"], manifest["config"]["idf"]) == (7, 1.0)
    assert manifest["config"]["sample"] == 1000
    assert (
        set(manifest["files"]) == {"weights.safetensors", "items.safetensors"} or manifest["files"]
    )
    before = {path: path.read_bytes() for path in (RUNS / "user-vsknn-k7-idf1").iterdir()}
    again = sbr(*words)
    assert again.code == 0
    assert "run user-vsknn-k7-idf1 already exists, trained with the same options\n" in again.stderr
    assert sbr(*words, "--overwrite").code == 0
    weights = RUNS / "user-vsknn-k7-idf1" / "weights.safetensors"
    assert weights.read_bytes() == before[weights]
    other = sbr("train", "--model", "vsknn", "--name", "user-vsknn-k7-idf1")
    assert (other.code, other.stdout) == (5, "")


@pytest.mark.usefixtures("workspace")
def test_options_that_the_run_itself_has_are_refused_and_not_ignored(sbr):
    sbr("train", "--model", "stan")
    for words in (("--baselines", "all"), ("--baselines", "stan"), ("--baselines", "stan,markov")):
        said = sbr("evaluate", "user-stan", *words, "--stan", "k=9")
        assert (said.code, said.stdout) == (2, "")
        assert said.stderr == (
            "error: --stan has no effect: run user-stan is a stan itself, with its own options\n"
            "hint: fit another one: sbr train --dataset user --model stan --stan OPTIONS\n"
        )
    words = ("evaluate", "user-stan", "--baselines", "markov", "--markov", "steps=2")
    assert sbr(*words).code == 0


@pytest.mark.usefixtures("workspace")
def test_it_compares_reports_is_listed_and_is_removed(sbr):
    sbr("train", "--model", "stan", "--stan", "k=9")
    sbr("train", "--model", "markov")
    board = json.loads(sbr("evaluate", "user-markov", "--baselines", "all", "--json").stdout)
    rows = {row["model"]: row["options"] for row in board["leaderboard"]}
    assert list(rows).count("markov") == 1
    assert set(rows) == set(BASELINES)
    assert rows["markov"] == "steps=1,decay=div"
    assert "markov" in board["verdict"]
    sbr("evaluate", "user-stan-k9", "--baselines", "markov", "--markov", "steps=2", "--slices")
    sbr("evaluate", "network")
    compared = json.loads(sbr("compare", "--json").stdout)
    assert {row["run"] for row in compared["runs"]} == {"network", "user-markov", "user-stan-k9"}
    assert all(row["protocol"] == 1 for row in compared["runs"])
    assert all(row["config"].keys() == {"model"} for row in compared["runs"])
    listed = json.loads(sbr("runs", "--json").stdout)["runs"]
    assert {row["run"]: row["model"] for row in listed}["user-stan-k9"] == "stan"
    assert sbr("runs", "show", "user-stan-k9").code == 0
    assert sbr("report", "user-stan-k9").code == 0
    page = Path("report.html").read_text()
    assert "· STAN</title>" in page
    assert "sbr train --dataset user --model stan --stan k=9,sample=5000" in page
    assert "--baselines markov --markov steps=2,decay=div --slices" in page
    assert sbr("runs", "rm", "--yes", "user-stan-k9").code == 0
    assert not (RUNS / "user-stan-k9").exists()


@pytest.mark.parametrize("model", ["popularity", "item-knn", "stan"])
def test_its_folder_alone_recommends_what_it_was_fitted_to(sbr, workspace, model):
    sbr("train", "--model", model)
    training = load_split(workspace.open("dataset").path, "train")
    items = load_items(RUNS / f"user-{model}" / ITEMS_FILE)
    session = np.array([items.index_of[item_id] for item_id in ("3", "1", "4")])
    fitted = fit_baseline(model, training, 40, default_options()).score_next(session)
    shutil.rmtree("sbr-work/datasets")
    np.testing.assert_array_equal(load_scorer(RUNS / f"user-{model}").score_next(session), fitted)
    words = ("recommend", "--run", f"user-{model}", "--items", "3,1,4", "-k", 1, "--json")
    best = json.loads(sbr(*words).stdout)["items"][0]
    fitted[session] = -1
    assert best["item"] == items.ids[fitted.argmax()]


@pytest.mark.usefixtures("workspace")
def test_to_recommend_by_it_needs_scipy_and_nothing_slower(sbr):
    sbr("train", "--model", "vsknn")
    words = ("recommend", "--run", "user-vsknn", "--items", "3,1")
    assert modules_of(*words) & SLOW == {"scipy"}
    assert not modules_of("train", "--model", "markov") & {"tensorflow", "keras", "matplotlib"}


@pytest.mark.parametrize(
    ("words", "flag"),
    [
        (("--epochs", 3), "--epochs"),
        (("--hsz", 50), "--hsz"),
        (("--resume",), "--resume"),
        (("--refit",), "--refit"),
        (("--from", "network"), "--from"),
        (("--preset", "notebook"), "--preset"),
        (("--dry-run",), "--dry-run"),
        (("--checkpoint-minutes", 3), "--checkpoint-minutes"),
    ],
)
def test_options_of_networks_are_refused(sbr, words, flag):
    said = sbr("train", "--model", "stan", *words)
    assert (said.code, said.stdout) == (2, "")
    assert said.stderr == (
        f"error: {flag} is for networks; stan is a baseline, which is fitted in one pass\n"
        f"hint: leave {flag} out; sbr train --help lists the options of each model\n"
    )


def test_options_of_another_model_are_refused(sbr):
    for words in (("--markov", "steps=2"), ("--model", "stan", "--markov", "steps=2")):
        said = sbr("train", *words)
        assert (said.code, said.stdout) == (2, "")
        assert said.stderr == (
            "error: --markov would do nothing: it has the options of --model markov\n"
            "hint: leave --markov out, or train with: --model markov\n"
        )
    said = sbr("train", "--model", "stan", "--stan", "k=0")
    assert (said.code, said.stderr) == (4, "error: stan's k must be at least 1. Received: 0\n")


@pytest.mark.usefixtures("workspace")
def test_what_requires_a_network_says_so(sbr):
    sbr("train", "--model", "markov")
    with pytest.raises(ConfigError):
        load_model(RUNS / "user-markov")
    for words in (
        ("evaluate", "--run", "user-markov", "--hybrid"),
        ("train", "--from", "user-markov"),
    ):
        said = sbr(*words)
        assert (said.code, said.stdout) == (4, ""), words
        assert said.stderr == (
            "error: run user-markov is a baseline, markov; this requires a network\n"
            "hint: name the run of a network; sbr runs lists the model of each run\n"
        )


@pytest.mark.usefixtures("workspace")
def test_damage_is_named(sbr):
    sbr("train", "--model", "markov")
    weights = RUNS / "user-markov" / "weights.safetensors"
    words = ("recommend", "--run", "user-markov", "--items", "3")
    stored = load_file(weights)
    save_file(stored | {"markov/matrix/data": stored["markov/matrix/data"] * 2}, weights)
    said = sbr(*words)
    assert (said.code, said.stdout) == (5, "")
    assert said.stderr == (
        f"error: {weights} is damaged: its checksum is not the one stored when it was written\n"
        "hint: train the run again with --overwrite\n"
    )
    weights.unlink()
    assert sbr(*words).stderr.startswith(f"error: {weights} is damaged: it is missing\n")
    manifest = RUNS / "user-markov" / MANIFEST
    write_json(manifest, read_json(manifest) | {"config": {"steps": 1, "horizon": 3}})
    said = sbr(*words)
    assert said.code == 5
    assert "the manifest of run user-markov holds no options of sbr " in said.stderr


def test_of_a_dataset_that_is_replaced_meanwhile_no_run_is_made(workspace):
    job = make_baseline_job(workspace, None, "markov", "", None)

    def validate(*_: object) -> dict[str, float]:
        manifest = job.dataset.path / MANIFEST
        write_json(manifest, read_json(manifest) | {"fingerprint": "another"})
        return {"mrr@20": 0.5}

    with pytest.raises(ArtefactError) as caught:
        train_baseline(workspace, job, validate)
    assert str(caught.value) == "dataset user has changed since run user-markov was started on it"
    assert caught.value.hint == "train again, on the dataset as it is now"
    assert not (RUNS / "user-markov").exists()
