"""The whole page of a run: the same each time, hostile to nobody, and small."""

import re
from pathlib import Path

import numpy as np
import pytest

from sbrcli.artefacts.workspace import Workspace
from sbrcli.errors import ArtefactError, ConfigError
from sbrcli.report import report
from sbrcli.report.data_section import describe_data
from sbrcli.report.report import check_place, make_page, write_report
from sbrcli.report.stored_evaluation import read_stored_evaluation
from tests.builders import make_sessions
from tests.chains import NUM_ITEMS
from tests.report.test_data_section import dataset as data_section_dataset
from tests.report.test_html import HARMLESS, HOSTILE
from tests.report.workdirs import NAME, change_manifest, make_evaluated, make_reported

OUT = Path("report.html")
SECTIONS = {
    "accuracy": "Accuracy",
    "breakdown": "Breakdown",
    "examples": "Examples",
    "training": "Training",
    "data": "Data",
    "protocol": "Protocol",
    "reproduce": "Reproduce",
}


def page_of(workspace: Workspace) -> str:
    write_report(workspace.open("run"), workspace, OUT)
    return OUT.read_text()


def anchors(page: str) -> list[str]:
    return re.findall(r'<section id="(\w+)">', page)


def test_without_an_evaluation_data_training_and_examples_are_shown(tmp_path):
    workspace = make_reported(tmp_path / "w")
    page = page_of(workspace)
    assert anchors(page) == ["accuracy", "examples", "training", "data", "reproduce"]
    assert "sbr evaluate --run user-1x4 --baselines all --slices" in page
    assert page.count("<details") > 3
    assert "sbr preprocess log.dat --session user" in page


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory) -> Workspace:
    return make_evaluated(tmp_path_factory.mktemp("evaluated") / "w")


@pytest.fixture(scope="module")
def page(evaluated: Workspace) -> str:
    run = evaluated.open("run")
    return make_page(run, evaluated.open("dataset"), read_stored_evaluation(run))


def test_with_an_evaluation_everything_is_shown(page):
    assert dict(re.findall(r'<section id="(\w+)">\n<h2>(.*?)</h2>', page)) == SECTIONS
    assert "verdict missing" not in page
    assert "Film 7" in page
    assert "sbr evaluate --run user-1x4 --baselines" in page


def test_the_same_run_gives_the_same_bytes(evaluated, page):
    written = write_report(evaluated.open("run"), evaluated, OUT)
    assert OUT.read_text() == page
    assert written.bytes == len(OUT.read_bytes())
    assert written.missing == ()
    assert [path.name for path in Path().iterdir()] == ["report.html"]


def test_the_page_refers_to_nothing_outside_and_has_no_style_of_its_own(page):
    assert "http:" not in page
    assert "https:" not in page
    assert not re.search(r"\bstyle=|\son\w+=|\bsrc=|javascript:", page)
    assert set(re.findall(r'href="(.)', page)) == {"#"}
    assert "xmlns" not in page


def test_no_two_elements_have_the_same_name_and_every_reference_has_its_own(page):
    names = re.findall(r'\bid="(.*?)"', page)
    assert len(names) == len(set(names)) > 20
    assert {*re.findall(r'href="#(.*?)"', page), *re.findall(r"url\(#(.*?)\)", page)} <= set(names)


def test_every_plot_has_words_for_who_cannot_see_it(page):
    plots = re.findall(r"<svg[^>]*>", page)
    assert len(plots) > 5
    assert all(re.search(r'role="img" aria-label="[^"]{20,}"', plot) for plot in plots)


def test_a_stranger_s_data_can_execute_nothing(tmp_path):
    ids = [f"{place}{HOSTILE}\u202e" for place in range(NUM_ITEMS)]
    titles = [f"$x\x00{HOSTILE}"] * NUM_ITEMS
    workspace = make_evaluated(tmp_path / "w", ids=ids, titles=titles)
    dataset = workspace.open("dataset")
    source = dataset.document["source"] | {"name": HOSTILE, "titles": {"name": HOSTILE}}
    dropped = {HOSTILE: {"events": 1, "sessions": 1, "items": 1}}
    change_manifest(dataset.path, source=source, dropped=dropped)
    change_manifest(workspace.open("run").path, sbr_version=HOSTILE)
    stored = workspace.open("run").path / "evaluation.json"
    foreign = "\\u003cscript>$\\\\frac\\u0000" + "\\ud800"
    stored.write_text(
        stored.read_text().replace('"gru4rec', f'"{foreign}').replace('"new"', f'"{foreign}"')
    )
    page = page_of(workspace)
    assert HOSTILE not in page
    assert page.count("<script") == 1
    assert page.count(HARMLESS) > 200
    assert "\x00" not in page
    assert "\u202e" not in page
    assert "\\u202e" in page


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"epochs": 1}, "<p>One epoch.</p>"),
        ({"valid": False}, "without a valid split"),
        ({"refit": 2}, "then trained again from scratch on train and valid, for 2 epochs"),
        ({"titles": None}, '<span class="next"><bdi>'),
    ],
)
def test_runs_of_every_kind_can_be_reported(tmp_path, settings, words):
    assert words in page_of(make_reported(tmp_path / "w", **settings))


def test_a_large_log_makes_no_large_page():
    rng = np.random.default_rng(1)
    items = rng.integers(43_000, size=300_000)
    sessions = make_sessions(*np.array_split(items, 50_000))
    content = describe_data(
        data_section_dataset(), sessions, np.bincount(items, minlength=43_000)
    ).content
    assert len(content) < 60_000


def test_a_place_must_be_a_file_in_a_folder_that_is_there(tmp_path):
    for path in (tmp_path, tmp_path / "nowhere" / "x.html", tmp_path / ("x" * 300)):
        with pytest.raises(ConfigError) as caught:
            check_place(path)
        assert str(caught.value) == (f"out must be a file in an existing folder. Received: {path}")


@pytest.mark.parametrize("step", ["write_bytes", "replace"])
def test_a_report_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch, step):
    workspace = make_reported(tmp_path / "w")
    OUT.write_text("the old one")

    def fail(_self, _content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, step, fail)
    with pytest.raises(ArtefactError) as caught:
        write_report(workspace.open("run"), workspace, OUT)
    assert str(caught.value) == "cannot write report.html: No space left on device"
    assert caught.value.hint == "name another file with --out"
    assert OUT.read_text() == "the old one"
    assert not list(Path().glob(".*"))


def test_a_report_whose_name_is_too_long_is_an_artefact_error(tmp_path):
    workspace = make_reported(tmp_path / "w")
    path = tmp_path / ("x" * 250)  # no room for what it is called before it is whole
    with pytest.raises(ArtefactError) as caught:
        write_report(workspace.open("run"), workspace, path)
    assert str(caught.value) == f"cannot write {path}: File name too long"


def test_a_run_that_does_not_say_who_made_it_can_be_reported(tmp_path):
    workspace = make_reported(tmp_path / "w")
    run = workspace.open("run").with_entries(sbr_version=None)
    assert "by sbr ?</p>" in make_page(run, workspace.open("dataset"), None)


def test_damaged_epochs_are_an_artefact_error(tmp_path):
    workspace = make_reported(tmp_path / "w")
    run = workspace.open("run")
    run = run.with_entries(epochs=[{"epoch": 1}])
    with pytest.raises(ArtefactError) as caught:
        make_page(run, workspace.open("dataset"), None)
    assert str(caught.value) == (
        f"the manifest of run {NAME} is damaged: its epochs are not what sbr train writes"
    )
    assert caught.value.hint == "train the run again with --overwrite"


def test_a_damaged_dataset_is_an_artefact_error(tmp_path):
    workspace = make_reported(tmp_path / "w")
    path = workspace.open("dataset").path
    change_manifest(path, source={})
    with pytest.raises(ArtefactError) as caught:
        page_of(workspace)
    assert str(caught.value) == f"{path / 'manifest.json'} is damaged: source.name is missing"


def test_a_dataset_that_is_gone_is_reported_before_anything_is_drawn(tmp_path, monkeypatch):
    workspace = make_reported(tmp_path / "w")
    monkeypatch.setattr(report, "make_page", lambda *_: pytest.fail("drawn"))
    change_manifest(workspace.open("dataset").path, fingerprint="another")
    with pytest.raises(ArtefactError) as caught:
        page_of(workspace)
    assert str(caught.value) == f"dataset user has changed since run {NAME} was trained on it"


def test_a_dataset_that_is_made_again_meanwhile_is_not_reported(tmp_path, monkeypatch):
    workspace = make_reported(tmp_path / "w")

    def make_slowly(run, dataset, stored):
        change_manifest(dataset.path, fingerprint="another")
        return make_page(run, dataset, stored)

    monkeypatch.setattr(report, "make_page", make_slowly)
    with pytest.raises(ArtefactError) as caught:
        page_of(workspace)
    assert str(caught.value) == f"dataset user has changed since run {NAME} was trained on it"
    assert not OUT.exists()


def test_nothing_is_evaluated(tmp_path):
    workspace = make_reported(tmp_path / "w")
    page_of(workspace)
    assert read_stored_evaluation(workspace.open("run")) is None
