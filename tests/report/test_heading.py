"""The top of the page: what it is called, and what its figures mean."""

from pathlib import Path

import pytest

from sbrcli.artefacts.dataset import Dataset
from sbrcli.artefacts.run import Run
from sbrcli.report.heading import introduce, noun_of, share_in_words, state_meaning, title_page
from sbrcli.report.stored_evaluation import StoredEvaluation
from sbrcli.workflow.train_result import TrainResult
from tests.builders import dataset_manifest, run_manifest
from tests.report.test_html import HARMLESS, HOSTILE
from tests.report.workdirs import make_epochs


def dataset(name: str, rows: int) -> Dataset:
    manifest = dataset_manifest(source={"name": name, "rows": rows})
    return Dataset.from_document(Path("d"), manifest)


def trained(*, valid: bool = True) -> TrainResult:
    return TrainResult("r", "runs/r", 10, make_epochs(2, valid=valid), 1, "d")


def evaluated(recall: float, **protocol: object) -> StoredEvaluation:
    metrics = {"recall@20": recall, "mrr@20": 0.1, "ndcg@20": 0.1}
    return StoredEvaluation(metrics, metrics, dict(protocol), (), "", ())


@pytest.mark.parametrize(
    ("name", "rows", "title", "noun"),
    [
        ("ratings.dat", 1_000_209, "MovieLens 1M · GRU4Rec", "film"),
        ("ratings.csv.gz", 100_836, "MovieLens latest-small · GRU4Rec", "film"),
        ("u.data", 100_000, "MovieLens 100K · GRU4Rec", "film"),
        ("ratings.csv", 5, "ratings · GRU4Rec", "item"),
        ("Clicks May.csv.gz", 5, "Clicks May · GRU4Rec", "item"),
        ("standard input", 5, "standard input · GRU4Rec", "item"),
    ],
)
def test_a_page_is_called_by_its_log_and_its_model(name, rows, title, noun):
    made = dataset(name, rows)
    assert title_page(made, "GRU4Rec") == title
    assert noun_of(made) == noun


def test_what_the_accuracy_means_is_a_sentence():
    assert state_meaning(trained(), evaluated(0.2413, candidates=3416), "film") == (
        "The next film is in the top 20 of 3,416 in 24 % of cases, measured on the test split."
    )
    assert state_meaning(trained(), None, "item") == (
        "The next item is in the top 20 in 20 % of cases, measured on the validation split."
    )
    assert state_meaning(trained(valid=False), None, "item") == (
        "It recommends the next item of a session. It has not been evaluated yet."
    )


@pytest.mark.parametrize(
    ("share", "words"),
    [(0.2449, "24 %"), (0.032, "3.2 %"), (0.0, "0 %"), (0.0004, "under 0.1 %"), (1.0, "100 %")],
)
def test_a_share_has_as_many_digits_as_one_reads(share, words):
    assert share_in_words(share) == words


def test_run_and_date_stand_small_and_a_run_without_a_date_has_none():
    manifest = run_manifest(sbr_version="0.1", completed_at="2026-05-04T23:59:59+00:00")
    run = Run.from_document(Path("r"), manifest)
    page = introduce(run, dataset("a.csv", 1), trained(), None)
    assert (
        '<p class="small">Run <bdi>r</bdi> on dataset <bdi>d</bdi>, trained '
        '<time datetime="2026-05-04">4 May 2026</time> by sbr 0.1</p>' in page
    )
    run = run.with_entries(sbr_version=None, completed_at=None, created_at=None)
    undated = introduce(run, dataset("a.csv", 1), trained(), None)
    assert "<bdi>d</bdi>, trained by sbr ?</p>" in undated


def test_hostile_names_are_text():
    run = Run.from_document(Path("r") / HOSTILE.replace("/", ""), run_manifest(sbr_version=HOSTILE))
    page = introduce(run, dataset("a.csv", 1), trained(), None)
    assert "<script" not in page
    assert HARMLESS in page
