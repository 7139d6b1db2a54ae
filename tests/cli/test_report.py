"""`sbr report`: what it says, where it writes, and what stops it."""

import json
import os
import subprocess
import sys
from pathlib import Path

from sbrcli.config.evaluation import EvaluateConfig
from sbrcli.workflow.evaluate import evaluate_run
from tests.cli.test_startup import modules_of
from tests.report.workdirs import make_evaluated, make_reported

WORK, OUT = Path("sbr-work"), Path("report.html")


def test_a_page_is_written_and_what_it_lacks_is_reported(sbr):
    make_reported(WORK)
    said = sbr("report")
    size = len(OUT.read_bytes())
    assert said.code == 0
    assert said.stdout == f"report\trun\tbytes\nreport.html\tuser-1x4\t{size}\n"
    assert said.stderr == (
        "run user-1x4 on dataset user\n"
        "not included, as not computed yet: evaluation, leaderboard, slices; "
        "sbr evaluate --run user-1x4 --baselines all --slices makes it\n"
        f"wrote report.html, {size / 1000:.1f} kB; a browser shows it\n"
    )


def test_a_full_page_lacks_nothing(sbr):
    make_evaluated(WORK)
    said = sbr("report", "--json")
    size = len(OUT.read_bytes())
    assert json.loads(said.stdout) == {
        "report": "report.html",
        "run": "user-1x4",
        "bytes": size,
        "missing": [],
        "warnings": [],
        "has_plots": True,
    }
    assert said.stderr == (
        "run user-1x4 on dataset user\n"
        f"wrote report.html, {size / 1000:.1f} kB; a browser shows it\n"
    )
    assert "Leaderboard, by mrr@20" in OUT.read_text()


def test_a_person_gets_one_line_and_a_pipe_a_table(sbr):
    make_evaluated(WORK)
    said = sbr("report", terminal=True)
    size = len(OUT.read_bytes())
    assert said.stdout == ""
    assert said.stderr == (
        "run user-1x4 on dataset user\n"
        f"wrote report.html, {size / 1000:.1f} kB; a browser shows it\n"
    )
    piped = sbr("report", "--quiet")
    size = len(OUT.read_bytes())
    assert piped.stdout == f"report\trun\tbytes\nreport.html\tuser-1x4\t{size}\n"
    assert piped.stderr == ""


def test_out_names_the_file_and_one_that_is_there_is_replaced(sbr, tmp_path):
    make_reported(WORK)
    path = tmp_path / "deep" / "page.html"
    path.parent.mkdir()
    path.write_text("the old one")
    assert sbr("report", "--run", "user-1x4", "--out", path, "--json").code == 0
    assert path.read_text().startswith("<!doctype html>")
    assert not OUT.exists()
    assert [file.name for file in path.parent.iterdir()] == ["page.html"]


def test_an_unusable_path_is_reported_before_any_run_is_opened(sbr):
    said = sbr("report", "--out", "nowhere/report.html")
    assert (said.stdout, said.code) == ("", 4)
    assert said.stderr == (
        "error: out must be a file in an existing folder. Received: nowhere/report.html\n"
    )
    os.mkfifo("pipe")
    said = sbr("report", "--out", "pipe")
    assert (said.stdout, said.code) == ("", 4)
    assert said.stderr == ("error: out must be a file in an existing folder. Received: pipe\n")


def test_without_a_run_there_is_nothing_to_report(sbr):
    said = sbr("report")
    assert (said.stdout, said.code) == ("", 5)
    assert said.stderr == "error: no run in sbr-work\nhint: make one with: sbr train\n"
    assert not OUT.exists()


def test_without_matplotlib_the_page_has_no_plots_and_this_is_reported(sbr, monkeypatch):
    make_evaluated(WORK)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    said = sbr("report", "--json")
    assert said.code == 0
    assert json.loads(said.stdout)["has_plots"] is False
    size = len(OUT.read_bytes())
    assert said.stderr == (
        "run user-1x4 on dataset user\n"
        "it has no plots: pip install matplotlib, or pip install '.[report]' in the folder of sbr, "
        "then write it again\n"
        f"wrote report.html, {size / 1000:.1f} kB; a browser shows it\n"
    )
    page = OUT.read_text()
    assert "<svg" not in page
    assert "It has no plots, as matplotlib was not installed where it was made.</p>" in page
    assert "Leaderboard, by mrr@20" in page


def test_a_dataset_that_is_gone_is_an_artefact_error(sbr):
    make_reported(WORK)
    (WORK / "datasets" / "user" / "manifest.json").unlink()
    said = sbr("report")
    assert (said.stdout, said.code) == ("", 5)
    assert said.stderr == (
        "error: sbr-work/datasets/user/manifest.json is damaged: it is missing\n"
        "hint: make the folder again; --overwrite replaces it\n"
    )


def test_a_report_needs_no_tensorflow_and_litters_no_folder(tmp_path, monkeypatch):
    make_reported(WORK)
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    modules = modules_of("report", "--quiet")
    assert "matplotlib" in modules
    assert not modules & {"tensorflow", "keras"}
    assert {path.name for path in tmp_path.iterdir()} == {"home", "sbr-work", "report.html"}


def test_where_matplotlib_can_keep_no_cache_it_is_not_mentioned():
    make_reported(WORK)
    environment = os.environ | {"HOME": "/dev/null", "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-m", "sbrcli", "report", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert (done.stderr, done.returncode) == ("", 0)


def test_figures_that_say_nothing_are_warned_of(sbr):
    workspace = make_reported(WORK)
    config = EvaluateConfig(ks=(20, 40))
    evaluate_run(workspace.open("run"), workspace, config)
    said = sbr("report", "--quiet")
    assert (said.code, said.stderr) == (
        0,
        "warning: the number of candidates is 40, so recall is 1 by construction at k = "
        "40, whatever the model: choose a K below 40 (sbr evaluate -k)\n",
    )
