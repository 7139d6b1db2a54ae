"""`sbr export`: the folder that it makes, and what it refuses."""

import contextlib
import io
import json
import re
import subprocess
import sys
from importlib import util
from pathlib import Path

import pytest

from sbrcli.artefacts.manifests import read_json, write_json
from sbrcli.models import registry
from tests.builders import make_run

RUN = ("--run", "user-1x4")
IDS = ("10", "20", "30", "40", "50", "60", "70", "80", "90")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return make_run(tmp_path / "sbr-work", titles=[f"film {id_}" for id_ in IDS[:-1]] + [None])


def code_of(card: Path) -> str:
    found = re.search(r"```python\n(.*?)```", card.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    return found[1]


def printed_by_card() -> list[str]:
    """Run the code of the card in the current folder, and return the ids that it prints."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(code_of(Path("README.md")), {})
    return json.loads(printed.getvalue().replace("'", '"'))


def test_export_writes_model_items_and_card(sbr, run):
    said = sbr("export", "--json", "--out", "shop", "--license", "CC BY 4.0")
    assert said.code == 0
    found = json.loads(said.stdout)
    assert f"wrote shop, {found['bytes'] / 1000:.1f} kB; its README.md shows how to use it" in (
        said.stderr
    )
    files = ["README.md", "export.json", "items.json", "model.onnx"]
    assert (found["path"], found["format"], found["run"]) == ("shop", "onnx", "user-1x4")
    assert found["files"] == files
    assert found["bytes"] == sum(Path("shop", name).stat().st_size for name in files)
    items = json.loads(Path("shop/items.json").read_text())
    assert items["ids"] == list(IDS)
    assert items["titles"][-2:] == ["film 80", None]
    card = Path("shop/README.md").read_text()
    assert "It scores 9 items. Licence: CC BY 4.0." in card
    assert "It was not evaluated on test before it was exported" in card


def test_the_code_of_the_card_gives_the_items_of_recommend(sbr, run, monkeypatch):
    sbr("export", "--out", "shop")
    wanted = json.loads(sbr("recommend", "--items", "10,20", "--json").stdout)["items"]
    monkeypatch.chdir("shop")
    # The card asks for 20 of 9 items: the session's own come last.
    assert printed_by_card()[:7] == [row["item"] for row in wanted]


def test_a_saved_model_runs_where_sbr_is_not_loaded(sbr, run):
    assert sbr("export", "--format", "saved-model").code == 0
    wanted = json.loads(sbr("recommend", "--items", "10,20", "--json").stdout)["items"]
    folder = Path("user-1x4-saved-model")
    code = code_of(folder / "README.md")
    code += "import sys\nassert 'sbrcli' not in sys.modules\n"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.replace("'", '"'))
    assert found[:7] == [row["item"] for row in wanted]


def test_the_code_of_a_keras_card_gives_the_items_of_recommend(sbr, run, monkeypatch):
    assert sbr("export", "--format", "keras", "--out", "model").code == 0
    wanted = json.loads(sbr("recommend", "--items", "10,20", "--json").stdout)["items"]
    monkeypatch.chdir("model")
    assert printed_by_card()[:7] == [row["item"] for row in wanted]


def test_the_card_states_the_stored_figures_with_their_protocol(sbr, run):
    write_json(
        run / "evaluation.json",
        {
            "test": {
                "metrics": {"recall@20": 0.5, "mrr@20": 0.25},
                "protocol": {
                    "events": 1234,
                    "unknown_events": 2,
                    "candidates": 9,
                    "last_time": None,
                    "train_last_time": "2021-03-01",
                },
            },
            "test exclude-seen": {"metrics": {"mrr@20": 0.375}, "protocol": {}},
        },
    )
    sbr("export", "--out", "shop")
    card = Path("shop/README.md").read_text()
    facts = (
        "Every item is a candidate, on the test split (targets: 1,234; targets left out as the "
        "model does not know the item: 2; candidates of each target: 9; last event of training: "
        "2021-03-01)."
    )
    assert facts in card
    assert "| mrr@20 | 0.2500 |\n| recall@20 | 0.5000 |" in card
    assert "The session's own items are left out, on the test split" in card
    assert "| mrr@20 | 0.3750 |" in card


def test_the_same_export_again_writes_nothing(sbr, run):
    sbr("export", "--out", "shop")
    before = {path: path.stat().st_mtime_ns for path in Path("shop").iterdir()}
    said = sbr("export", "--out", "shop")
    assert said.code == 0
    assert "shop is this export already; nothing was written" in said.stderr
    assert {path: path.stat().st_mtime_ns for path in Path("shop").iterdir()} == before


def test_another_export_in_its_place_is_refused_without_overwrite(sbr, run):
    sbr("export", "--out", "shop")
    said = sbr("export", "--out", "shop", "--license", "MIT")
    assert (said.code, said.stdout) == (5, "")
    assert "shop holds another export, of run user-1x4" in said.stderr
    assert "replace it with --overwrite, or name another folder with --out" in said.stderr
    assert "not stated" in Path("shop/README.md").read_text()
    assert sbr("export", "--out", "shop", "--license", "MIT", "--overwrite").code == 0
    assert "Licence: MIT" in Path("shop/README.md").read_text()
    assert sorted(path.name for path in Path().iterdir()) == ["sbr-work", "shop"]


def test_a_folder_of_something_else_is_never_replaced(sbr, run):
    Path("shop").mkdir()
    Path("shop/mine.txt").write_text("mine")
    said = sbr("export", "--out", "shop", "--overwrite")
    assert (said.code, said.stdout) == (4, "")
    assert "shop is there, and was not written by sbr export" in said.stderr
    assert Path("shop/mine.txt").read_text() == "mine"


def test_a_place_without_a_folder_is_refused(sbr, run):
    said = sbr("export", "--out", "no/shop")
    assert (said.code, said.stdout) == (4, "")
    assert "out must be a folder in one that is there. Received: no/shop" in said.stderr


def test_a_format_whose_package_is_missing_is_refused(sbr, run, monkeypatch):
    find_spec = util.find_spec
    absent = lambda name, *rest: None if name == "onnx" else find_spec(name, *rest)  # noqa: E731
    monkeypatch.setattr("sbrcli.workflow.export.find_spec", absent)
    said = sbr("export")
    assert (said.code, said.stdout) == (4, "")
    assert "format onnx needs the package onnx, which is not installed" in said.stderr
    assert "pip install onnx, or pip install '.[export]' in the folder of sbr" in said.stderr


def test_a_family_that_describes_no_export_is_refused(sbr, run, monkeypatch):
    from tests.models import toy_family

    monkeypatch.setattr(registry, "FAMILIES", dict(registry.FAMILIES))
    toy_family.register()
    manifest = read_json(run / "manifest.json")
    write_json(run / "manifest.json", manifest | {"model": "toy"})
    said = sbr("export")
    assert (said.code, said.stdout) == (4, "")
    assert "a toy cannot be exported. Received: run user-1x4" in said.stderr


def test_damaged_weights_leave_nothing_behind(sbr, run):
    weights = run / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-8])
    said = sbr("export", "--out", "shop")
    assert (said.code, said.stdout) == (5, "")
    assert [path.name for path in Path().iterdir()] == ["sbr-work"]


def test_an_exported_onnx_needs_no_tensorflow(sbr, run):
    code = (
        "import sys\nfrom sbrcli.cli import app\n"
        "assert app.run(['export', '--quiet']) == 0\n"
        "assert 'tensorflow' not in sys.modules and 'pandas' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_ids_of_any_text_survive(sbr, tmp_path):
    ids = ["a b", "ü", "1\t2", "\ud83d", '"', "日本", "x", "y", "z"]
    make_run(tmp_path / "sbr-work", name="odd", ids=ids)
    assert sbr("export", "--run", "odd", "--out", "shop").code == 0
    assert json.loads(Path("shop/items.json").read_text())["ids"] == ids
