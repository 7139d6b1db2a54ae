"""A second network is one file and one line: `tests.models.toy_family` does all that GRU4Rec does.

Nothing that trains, resumes, evaluates, blends, compares, reports or recommends knows it by name.
"""

import ast
import json
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

import sbrcli
from sbrcli.artefacts.manifests import MANIFEST, read_json, write_json
from sbrcli.config.training import FitConfig, tunable_options
from sbrcli.errors import ArtefactError
from sbrcli.models import registry
from sbrcli.models.configuration import config_class_of
from sbrcli.models.loading import load_model, load_scorer
from sbrcli.models.network import OUTPUT_BIAS, OUTPUT_TABLE
from sbrcli.models.weights_file import WEIGHTS_FILE, load_weights
from tests.builders import make_run
from tests.chains import make_workspace
from tests.cli.stopping_child import PAIRS_PER_CALL
from tests.models import toy_family
from tests.models.toy_family import EMBEDDING, ToyConfig
from tests.warm import WarmProcess

SMALL = ("--model", "toy", "--width", 8, "--batch-size", 4, "--bptt", 4, "--epochs", 3)
SMALL += ("--precision", "float32")
RUNS = Path("sbr-work", "runs")
NAME = "user-toy8-batch4-bptt4-epochs3-float32"


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    import sbrcli.cli.train_options  # noqa: F401  its help names the families once, without toy

    monkeypatch.setitem(registry.FAMILIES, "toy", "")  # undone after the test
    toy_family.register()


def test_only_the_registry_and_a_familys_own_folder_import_it():
    package = Path(sbrcli.__file__).parent
    found = set()
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and "models.gru4rec" in str(node.module):
                found.add(path.relative_to(package).parts[:2])
    assert found == {("models", "gru4rec")}


def test_a_second_family_trains_evaluates_blends_compares_reports_and_recommends(sbr, tmp_path):
    make_workspace(tmp_path / "sbr-work")
    trained = json.loads(sbr("train", *SMALL, "--refit", "--json").stdout)
    run = trained["run"]
    assert run == f"{NAME}-refit".replace("float32-refit", "refit-float32")
    assert trained["parameters"] == 40 * (8 + 8 + 1)
    manifest = read_json(RUNS / run / MANIFEST)
    assert manifest["model"] == "toy"
    assert manifest["network"] == {"num_items": 40, "units": 8}
    own = {"width": 8, "freeze": False}
    shared = {"batch_size": 4, "bptt": 4, "epochs": 3, "precision": "float32", "refit": True}
    of_short = {"learning_rate": 0.1, "repeats": "off", "average_weights": 0.0}
    shared |= of_short
    assert manifest["config"] == own | asdict(FitConfig()) | shared

    assert sbr("train", *SMALL).code == 0
    found = json.loads(sbr("evaluate", "--run", NAME, "--hybrid", "--json").stdout)
    partner = read_json(RUNS / NAME / "hybrid.json")["partner"]
    assert {row["model"] for row in found["leaderboard"]} == {"toy", "hybrid", partner}
    assert found["model"] == "toy"
    assert "toy" in found["verdict"]
    further = sbr("train", "--from", NAME, "--epochs", 1, "--name", "more", "--json")
    assert read_json(RUNS / "more" / MANIFEST)["model"] == "toy", further.stderr
    assert json.loads(sbr("compare", "--json").stdout)["runs"]
    assert [row["model"] for row in json.loads(sbr("runs", "--json").stdout)["runs"]] == ["toy"] * 3
    assert sbr("report", "--run", NAME, "--out", "page.html").code == 0
    page = Path("page.html").read_text()
    assert "· Toy</title>" in page
    assert "--model toy" in page
    one = json.loads(sbr("recommend", "--run", NAME, "--items", "1,2", "-k", 3, "--json").stdout)
    model, items = load_model(RUNS / NAME)
    session = np.array([items.index_of["1"], items.index_of["2"]])
    scores = load_scorer(RUNS / NAME).score_next(session)
    assert one["items"][0]["score"] == pytest.approx(np.delete(scores, session).max(), abs=1e-5)
    assert sbr("recommend", "--run", NAME, "--items", "1,2", "--hybrid").code == 0
    np.testing.assert_allclose(model(session[None])[0, 1], scores, atol=1e-5)
    assert sbr("blend", NAME, "more", "--equal", "--name", "both").code == 0
    expected = (scores + load_scorer(RUNS / "more").score_next(session)) / 2
    found = load_scorer(RUNS / "both").score_next(session)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_a_second_family_that_is_killed_resumes_to_the_same_weights(sbr, tmp_path, monkeypatch):

    monkeypatch.setattr("sbrcli.models.training.fit.PAIRS_PER_CALL", PAIRS_PER_CALL)
    make_workspace(tmp_path / "sbr-work")
    assert sbr("train", *SMALL, "--name", "whole").code == 0
    words = ("train", *SMALL, "--name", "run", "--checkpoint-minutes", "1e-9")
    process = WarmProcess("tests.models.toy_family", "StepsDone", "3", *map(str, words))
    deadline = time.monotonic() + 90
    while not Path("stopped").exists() and time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert read_json(RUNS / "run" / MANIFEST)["status"] == "training"
    said = sbr("train", "--resume")
    assert said.code == 0
    assert "resumed at epoch 1/3" in said.stderr
    weights = [(RUNS / name / WEIGHTS_FILE).read_bytes() for name in ("run", "whole")]
    assert weights[0] == weights[1]


def test_an_option_of_a_second_family_reaches_its_network_and_the_runs_name(sbr, tmp_path):
    make_workspace(tmp_path / "sbr-work")
    assert sbr("train", *SMALL, "--freeze").code == 0
    run = RUNS / NAME.replace("toy8", "toy8-freeze")
    assert read_json(run / MANIFEST)["config"]["freeze"] is True
    shape = toy_family.FAMILY.shape_of(ToyConfig(), 40)
    drawn = toy_family.FAMILY.initial_weights(shape, 1)
    trained = load_weights(run / WEIGHTS_FILE, shape)
    alike = {name: np.array_equal(drawn[name], trained[name]) for name in drawn}
    assert alike == {EMBEDDING: True, OUTPUT_TABLE: False, OUTPUT_BIAS: False}


def test_each_familys_options_have_a_panel_of_the_help(sbr):
    said = sbr("train", "--help").stdout
    panels = [line for line in said.splitlines() if "(--model" in line]
    assert [panel.strip("╭╮─ ") for panel in panels] == [
        "Network (--model gru4rec)",
        "Output layer (--model gru4rec)",
        "Network (--model sasrec)",
        "Network (--model toy)",
        "Baselines (--model NAME)",
    ]
    assert "Numbers per item. [default: 8]" in " ".join(said.replace("│", " ").split())


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (
            ("--freeze",),
            "freeze is an option of --model toy, not of --model gru4rec",
            "leave --freeze out, or choose --model toy",
        ),
        (
            ("--model", "toy", "--layers", 2, "--embedding-dropout", 0.1),
            "layers, embedding-dropout are options of --model gru4rec, not of --model toy",
            "leave --layers, --embedding-dropout out, or choose --model gru4rec",
        ),
        (
            ("--from", "run", "--model", "gru4rec", "--width", 4),
            "width is an option of --model toy, not of --model gru4rec",
            "leave --width out, or choose --model toy",
        ),
    ],
)
def test_an_option_of_another_family_is_refused_and_says_whose_it_is(sbr, words, message, hint):
    said = sbr("train", *words)
    assert (said.code, said.stdout) == (2, "")
    assert said.stderr == f"error: {message}\nhint: {hint}\n"


def test_a_run_that_starts_from_another_takes_only_the_options_of_its_family(sbr, tmp_path):
    make_workspace(tmp_path / "sbr-work")
    assert sbr("train", *SMALL, "--name", "run").code == 0
    said = sbr("train", "--from", "run", "--dropout", 0.1)
    assert (said.code, said.stdout) == (2, "")
    assert said.stderr.splitlines()[0] == (
        "error: dropout is an option of --model gru4rec and --model sasrec, not of --model toy"
    )
    assert sbr("train", "--from", "run", "--freeze", "--epochs", 1, "--name", "more").code == 0
    assert read_json(RUNS / "more" / MANIFEST)["config"]["freeze"] is True


def test_a_family_without_presets_says_so(sbr):
    said = sbr("train", "--model", "toy", "--preset", "best")
    assert (said.code, said.stdout) == (2, "")
    assert said.stderr == (
        "error: preset must be one of those of --model toy, which has none. Received: best\n"
    )


def test_the_options_of_a_family_to_tune_are_its_own_and_those_that_all_have():
    tunable = {one.name: one for one in tunable_options(config_class_of("toy"))}
    assert {"width", "learning_rate", "batch_size"} <= tunable.keys()
    assert not {"hsz", "freeze", "epochs"} & tunable.keys()
    assert tunable["width"].value_of(9.7) == 10
    assert tunable_options(config_class_of("gru4rec"))[0].value_of(64.2) == (64,)


def test_a_second_family_learns_new_items_by_an_update(sbr, tmp_path):
    make_workspace(tmp_path / "sbr-work")
    assert sbr("train", *SMALL, "--name", "run").code == 0
    rows = [f"900::{item}::5::{101 * 86_400 + 60 * at}" for at, item in enumerate((1, 777, 2))]
    Path("newer.dat").write_text("\n".join(rows) + "\n")
    said = sbr("update", "newer.dat", "--name", "new", "--json")
    assert said.code == 0, said.stderr
    assert json.loads(said.stdout)["added"] == {"events": 3, "sessions": 1, "items": 1}
    manifest = read_json(RUNS / "new" / MANIFEST)
    assert manifest["model"] == "toy"
    assert manifest["network"] == {"num_items": 41, "units": 8}
    assert sbr("recommend", "--run", "new", "--items", "777", "-k", 3).code == 0


def test_a_run_of_before_there_were_families_is_a_gru4rec(sbr, tmp_path):
    run = make_run(tmp_path / "sbr-work", name="old")
    assert "model" not in read_json(run / MANIFEST)
    assert json.loads(sbr("runs", "--json").stdout)["runs"][0]["model"] == "gru4rec"
    assert sbr("recommend", "--items", "10").code == 0


def test_a_run_of_an_unknown_family_is_named_as_such(tmp_path):
    run = make_run(tmp_path, name="foreign")
    write_json(run / MANIFEST, read_json(run / MANIFEST) | {"model": "bert4rec"})
    with pytest.raises(ArtefactError) as caught:
        load_scorer(run)
    assert str(caught.value) == f"the run's model, bert4rec, is unknown to sbr {sbrcli.__version__}"
    assert caught.value.hint == (
        "use the sbr that trained it, or train the run again with --overwrite"
    )


def test_a_family_that_is_not_there_is_refused_before_any_work(sbr):
    said = sbr("train", "--model", "bert4rec")
    assert (said.code, said.stdout) == (2, "")
    assert said.stderr == (
        "error: model must be one of gru4rec, sasrec, toy, popularity, session-popularity, "
        "markov, item-knn, vsknn, stan. Received: bert4rec\n"
    )


def test_the_weights_of_a_run_start_no_network_of_another_family(sbr, tmp_path):
    make_workspace(tmp_path / "sbr-work")
    assert sbr("train", *SMALL, "--name", "run").code == 0
    for words, other in (
        (("--model", "gru4rec"), "--model"),
        (("--width", 5), "--width"),
    ):
        said = sbr("train", "--from", "run", *words)
        assert said.code == 2
        assert said.stderr.splitlines() == [
            f"error: a run that begins at the weights of run run has its network; {other} would "
            "make another one",
            f"hint: leave {other} out, or train from scratch without --from",
        ]
