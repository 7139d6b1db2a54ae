"""A metric is one module and one line; evaluations stored before it lack it, and still open."""

import json
from pathlib import Path

import pytest

from sbrcli.cli import compare
from sbrcli.evaluation.rank_metrics.registry import METRICS
from tests.chains import make_workspace
from tests.cli.small_run import NAME, RUN, SMALL, manifest
from tests.report.workdirs import make_evaluated

WORK = Path("sbr-work")
TOY = '''
"""Half a point for every target that is ranked k or better."""

def values(ranks, k):
    return 0.5 * (ranks <= k)
'''


@pytest.fixture
def half(tmp_path_factory, monkeypatch):
    """Register a metric "half" after a run was evaluated without it."""
    assert "half" not in compare.SORTS  # which imports the module with the real metrics
    make_evaluated(WORK)
    folder = tmp_path_factory.mktemp("metric")
    (folder / "half_metric.py").write_text(TOY)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setitem(METRICS, "half", "half_metric")


def stored() -> dict:
    return json.loads(Path(WORK, "runs", "user-1x4", "evaluation.json").read_text())["test"]


@pytest.mark.usefixtures("half")
def test_a_stored_evaluation_without_the_metric_is_compared_and_reported(sbr):
    said = sbr("compare", "--json")
    figures = json.loads(said.stdout)["runs"][0]["metrics"]
    kept = {name: figure for name, figure in stored()["metrics"].items() if name.endswith("@20")}
    assert figures == kept | {"half@20": None}
    assert (
        "warning: evaluated before sbr had all of these metrics: user-1x4 (evaluate again: "
        "sbr evaluate -k 20 --run NAME)\n"
    ) in said.stderr
    assert sbr("compare", terminal=True).code == 0
    assert sbr("report").code == 0
    page = Path("report.html").read_text()
    assert "half@20" in page
    assert "Leaderboard, by mrr@20" in page


@pytest.mark.usefixtures("half")
def test_evaluate_compare_and_report_take_the_metric_up(sbr):
    said = sbr("evaluate", "--baselines", "popularity", "--slices", "--json")
    found = json.loads(said.stdout)
    assert found["metrics"]["half@20"] == pytest.approx(found["metrics"]["recall@20"] / 2)
    assert found["leaderboard"][0]["interval"]["half@20"]
    assert found["slices"][0]["metrics"]["half@5"] >= 0
    assert stored()["metrics"] == found["metrics"]

    header = sbr("evaluate", "--baselines", "popularity").stdout
    assert "k\trecall\tmrr\tndcg\thalf\n" in header
    assert "model\trecall@20\tmrr@20\tlow\thigh\tndcg@20\thalf@20\n" in header
    said = sbr("compare", "--json")
    assert json.loads(said.stdout)["runs"][0]["metrics"]["half@20"] == found["metrics"]["half@20"]
    assert "before sbr had" not in said.stderr
    assert sbr("report").code == 0
    assert f"{found['metrics']['half@20']:.4f}" in Path("report.html").read_text()


def test_a_training_is_validated_by_the_metric_and_keeps_its_best_epoch(sbr, tmp_path, monkeypatch):
    make_workspace(tmp_path / WORK)
    (tmp_path / "first_epochs_metric.py").write_text(
        "epochs = iter([0.75, 0.25])\ndef values(ranks, k):\n    return 0 * ranks + next(epochs)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(METRICS, "first", "first_epochs_metric")
    found = json.loads(sbr("train", *SMALL, *NAME, "--monitor", "first@20", "--json").stdout)
    assert ([row["first@20"] for row in found["epochs"]], found["best_epoch"]) == ([0.75, 0.25], 1)
    assert manifest()["config"]["monitor"] == "first@20"
    assert (RUN / "history.csv").read_text().splitlines()[0].endswith(",ndcg@20,first@20")
    said = sbr("train", "--monitor", "first@10")
    assert (said.code, said.stdout) == (2, "")
    assert said.stderr == (
        "error: monitor must be one of mrr@20, recall@20, ndcg@20, first@20. Received: first@10\n"
    )
