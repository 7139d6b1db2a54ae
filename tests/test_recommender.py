"""The Python API: `sbrcli.load`, and what a `Recommender` does beside the command line."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

import sbrcli
from sbrcli.errors import ArtefactError, ConfigError, DataError
from sbrcli.models.baselines.options import default_options
from sbrcli.models.baselines.registry import fit_partner
from sbrcli.models.blend.files import save_hybrid
from tests.builders import make_run, make_sessions

SESSIONS = [["10"], ["30", "20", "nobody"], ["90", "10", "90"], ["50", "60", "70", "80"]]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return make_run(tmp_path / "sbr-work", titles=["Ten", *[None] * 8])


def with_partner(run: Path, name: str, **terms: float) -> Path:
    fitted = fit_partner(name, make_sessions([0, 1, 2, 5], [3, 4, 1]), 9, default_options())
    save_hybrid(run, {"partner": name, "weight": 0.5, "options": {}} | terms, fitted)
    return run


def loaded_by(program: str, *words: str) -> set[str]:
    """Run a program; return the packages that it has imported."""
    ending = "\nimport sys; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    command = [sys.executable, "-c", program + ending, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return set(done.stdout.split())


def test_importing_the_package_loads_nothing_else():
    assert not loaded_by("import sbrcli") & {"numpy", "typer", "rich", "safetensors"}


def test_a_recommender_loads_neither_tensorflow_nor_pandas_nor_pyarrow(run):
    program = (
        "import sys, sbrcli\n"
        "found = sbrcli.load(sys.argv[1]).recommend(['10', '20'], k=3)\n"
        "assert len(found.items) == 3"
    )
    slow = {"tensorflow", "keras", "pandas", "pyarrow", "scipy", "typer", "rich"}
    assert not loaded_by(program, str(run)) & slow


def test_the_package_says_that_it_is_typed_and_names_what_is_public():
    assert files("sbrcli").joinpath("py.typed").is_file()
    assert sbrcli.Recommender.__name__ == "Recommender"
    with pytest.raises(AttributeError, match="module 'sbrcli' has no attribute 'recommend_all'"):
        sbrcli.recommend_all  # noqa: B018


@pytest.mark.parametrize("blend", [False, True])
@pytest.mark.parametrize("options", [{}, {"k": 2}, {"include_seen": True}])
def test_the_document_is_that_of_the_command_line(sbr, run, blend, options):
    with_partner(run, "markov")
    words = ["--hybrid"] * blend
    words += ["-k", 2] * ("k" in options) + ["--include-seen"] * ("include_seen" in options)
    recommender = sbrcli.load(run, blend)
    for session in SESSIONS:
        said = sbr("recommend", "--items", ",".join(session), "--json", *words)
        document = recommender.recommend(session, **options).to_document()
        assert json.loads(said.stdout) == json.loads(json.dumps(document))


@pytest.mark.parametrize("partner", [None, "markov", "vsknn", "stan"])
def test_many_sessions_together_get_what_each_gets_alone(run, partner):
    if partner is not None:
        with_partner(run, partner)
    recommender = sbrcli.load(run, blend=partner is not None)
    sessions = [*SESSIONS, ["10"] * 40, *([str(10 * n)] for n in range(1, 10))]
    together = recommender.recommend_many(sessions, k=4)
    for session, found in zip(sessions, together, strict=True):
        alone = recommender.recommend(session, k=4)
        assert [one.item for one in found.items] == [one.item for one in alone.items]
        scores = [one.score for one in found.items]
        assert scores == pytest.approx([one.score for one in alone.items], abs=2e-6)
        assert (found.session, found.unknown) == (alone.session, alone.unknown)


def test_the_terms_of_a_hybrid_reach_whatever_recommends(sbr, run):
    without = sbrcli.load(with_partner(run, "markov"), blend=True)
    with_terms = sbrcli.load(with_partner(run, "markov", last=-30.0, earlier=6.0), blend=True)
    session = ["10", "20", "20", "30"]
    alone = {one.item: one.score for one in without.recommend(session, 9, include_seen=True).items}
    expected = alone | {"30": alone["30"] - 30, "10": alone["10"] + 6, "20": alone["20"] + 6}
    (among_many,) = with_terms.recommend_many([session], 9, include_seen=True)
    one = with_terms.recommend(session, 9, include_seen=True)
    words = ("--items", ",".join(session), "--hybrid", "--include-seen", "-k", 9, "--json")
    said = json.loads(sbr("recommend", *words).stdout)
    for items in (one.to_document(), among_many.to_document(), said):
        scores = {item["item"]: item["score"] for item in items["items"]}
        assert scores == pytest.approx(expected, abs=2e-6)
    # Without its last event the session ends in 20, which then loses 30 rather than gaining 6.
    found = with_terms.explain(session, 9, include_seen=True)
    causes = next(item.why for item in found.items if item.item == "20")
    assert causes is not None and causes[0].position == 4
    assert causes[0].change is not None and causes[0].change > 30


def test_among_many_an_unknown_session_has_no_items_or_the_most_popular(tmp_path):
    counts = np.array([1, 5, 2])
    run = make_run(tmp_path, ids=("a", "b", "c"), train_count=counts)
    recommender = sbrcli.load(run)
    nothing, known = recommender.recommend_many([["x"], ["a"]], k=2)
    assert (nothing.items, nothing.unknown, len(known.items)) == ((), ("x",), 2)
    popular, _ = recommender.recommend_many([[], ["a"]], k=2, fallback="popularity")
    assert [(one.item, one.score) for one in popular.items] == [("b", 5), ("c", 2)]
    assert popular.fallback == "popularity"
    assert recommender.recommend_many([]) == []


def test_threads_get_what_one_thread_gets(run):
    recommender = sbrcli.load(with_partner(run, "vsknn"), blend=True)
    expected = [recommender.recommend(session) for session in SESSIONS]
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(recommender.recommend, SESSIONS * 25))
    assert found == expected * 25


def test_ids_may_be_numbers_and_items_are_listed(run):
    recommender = sbrcli.load(str(run))
    assert recommender.recommend([10, np.int64(20)]) == recommender.recommend(["10", "20"])
    assert recommender.items.ids[:2] == ["10", "20"]
    assert recommender.items.titles is not None and recommender.items.titles[0] == "Ten"
    assert recommender.items.index_of["30"] == 2


def test_titles_of_a_file_replace_those_of_the_run(run, tmp_path):
    (tmp_path / "titles.csv").write_text("item,title\n20,Twenty\n")
    found = sbrcli.load(run, titles=tmp_path / "titles.csv").recommend(["20", "10"])
    assert [one.title for one in found.session] == ["Twenty", "Ten"]


def test_one_text_is_not_taken_for_a_list_of_ids(run):
    with pytest.raises(TypeError) as error:
        sbrcli.load(run).recommend("3186")
    assert str(error.value) == "item ids are given as a list, such as ['3186']. Received: '3186'"


def test_what_cannot_be_done_is_an_error_of_sbr(run, tmp_path):
    recommender = sbrcli.load(run)
    with pytest.raises(DataError, match="the run knows no item of the session: nobody"):
        recommender.recommend(["nobody"])
    with pytest.raises(ConfigError, match="k must be at least 1"):
        recommender.recommend(["10"], k=0)
    with pytest.raises(ArtefactError, match="it is missing"):
        sbrcli.load(tmp_path / "none")
    with pytest.raises(ArtefactError, match="run user-1x4 has no hybrid"):
        sbrcli.load(run, blend=True)


def test_an_incomplete_run_is_refused(run):
    manifest = json.loads((run / "manifest.json").read_text())
    (run / "manifest.json").write_text(json.dumps(manifest | {"status": "training"}))
    with pytest.raises(ArtefactError, match="run user-1x4 is in epoch 1"):
        sbrcli.load(run)
