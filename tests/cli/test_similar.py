"""`sbr similar`: by the output table and by shared sessions; and `Recommender.similar`."""

import json
from pathlib import Path

import numpy as np
import pytest

import sbrcli
from sbrcli.artefacts.items import RunItems
from sbrcli.errors import ArtefactError, ConfigError, DataError
from sbrcli.models.gru4rec.weights import GruShape, initialise_weights
from sbrcli.workflow.similar import SessionSimilarity, SimilarItem
from tests.builders import make_run, make_sessions, write_ratings

TABLE = [[1, 0, 0, 0], [2, 0, 0, 0], [1, 1, 0, 0], [0, 0, 5, 0], [0, 0, 0, 0]]
COSINE = round(float(np.sqrt(0.5)), 6)


@pytest.fixture
def run(sbr, tmp_path: Path) -> Path:
    """Of items 1 to 5; 1 is with 2 in two sessions, with 3 in one; 4 and 5 are together."""
    log = "7 1 0, 7 2 1, 8 2 0, 8 1 1, 8 3 2, 9 4 0, 9 5 1, 9 4 2"
    words = ("--valid-days", 0, "--test-days", 0, "--min-item-support", 1, "--name", "user")
    assert sbr("preprocess", write_ratings(Path("ratings.dat"), log), *words).code == 0
    manifest = json.loads(Path("sbr-work/datasets/user/manifest.json").read_text())
    shape = GruShape(5, (4,), "shared")
    weights = initialise_weights(shape, seed=1) | {"output/table": np.array(TABLE, np.float32)}
    return make_run(
        tmp_path / "sbr-work",
        ids=("1", "2", "3", "4", "5"),
        titles=["One", "Two", None, "Four", "four"],
        shape=shape,
        weights=weights,
        dataset={"name": "user", "fingerprint": manifest["fingerprint"]},
    )


def test_a_pipe_gets_both_kinds_of_similarity(sbr, run):
    said = sbr("similar", "one", "-k", 2)
    both, one = round(2 / 22, 6), round(1 / np.sqrt(22 * 21), 6)
    assert said.stdout == (
        f"rank\titem\tcosine\ttitle\n1\t2\t1.0\tTwo\n2\t3\t{COSINE}\t\n\n"
        f"rank\titem\tcosine\tsessions\ttitle\n1\t2\t{both}\t2\tTwo\n2\t3\t{one}\t1\t\n"
    )
    assert said.stderr == (
        "'one' is the title of item 1, which is used\nrun user-1x4 on dataset user\n"
    )


def test_a_person_is_told_which_is_which(sbr, run):
    shown = sbr("similar", "3", terminal=True).stdout
    assert "Similar to 3 by the network's output table\n" in shown
    assert "Similar to 3 by shared sessions\n" in shown


def test_json_has_both_and_null_without_the_dataset(sbr, run):
    said = sbr("similar", 4, "-k", 1, "--json")
    assert json.loads(said.stdout) == {
        "item": "4",
        "title": "Four",
        "items": [{"rank": 1, "item": "1", "score": 0.0, "title": "One"}],
        "co_occurring": [
            {"rank": 1, "item": "5", "score": round(1 / 21, 6), "sessions": 1, "title": "four"}
        ],
    }
    Path("sbr-work/datasets/user").rename("elsewhere")
    said = sbr("similar", 4, "-k", 1, "--json")
    assert json.loads(said.stdout)["co_occurring"] is None
    assert said.stderr.startswith(
        "warning: items of the same sessions are left out: no dataset named user in sbr-work\n"
    )
    assert sbr("similar", 4, "-k", 1).stdout == "rank\titem\tcosine\ttitle\n1\t1\t0.0\tOne\n"


def test_an_unknown_item_is_a_data_error_with_a_hint(sbr, run):
    said = sbr("similar", "four")  # two items have this title
    assert (said.stdout, said.code) == ("", 3)
    assert said.stderr == (
        "error: the run does not know the item four\nhint: ids with such a title: 4 Four; 5 four\n"
    )


def test_python_gives_the_same_by_either_kind(run):
    recommender = sbrcli.load(run)
    assert recommender.similar(1, k=1) == (SimilarItem(1, "2", 1.0, None, "Two"),)
    both = round(2 / 22, 6)
    assert recommender.similar("1", 1, by="sessions") == (SimilarItem(1, "2", both, 2, "Two"),)
    with pytest.raises(DataError, match="the run does not know the item 99"):
        recommender.similar("99")
    with pytest.raises(ConfigError, match="k must be at least 1"):
        recommender.similar("1", 0)
    with pytest.raises(ConfigError) as error:
        recommender.similar("1", by="taste")  # pyright: ignore
    assert str(error.value) == "by must be output or sessions. Received: taste"
    Path("sbr-work/datasets/user").rename("elsewhere")
    assert recommender.similar(3, 1, by="sessions")[0].item == "1"
    with pytest.raises(ArtefactError, match="no dataset named user"):
        sbrcli.load(run).similar("1", by="sessions")


def test_a_baseline_has_the_second_kind_alone(sbr, run):
    assert sbr("train", "--model", "popularity", "--name", "popular").code == 0
    said = sbr("similar", 4, "-k", 1, "--run", "popular", "--json")
    assert json.loads(said.stdout) == {
        "item": "4",
        "items": None,
        "co_occurring": [
            {"rank": 1, "item": "5", "score": round(1 / 21, 6), "sessions": 1},
        ],
    }
    shown = sbr("similar", 4, "--run", "popular").stdout
    assert shown == f"rank\titem\tcosine\tsessions\n1\t5\t{round(1 / 21, 6)}\t1\n"
    Path("sbr-work/datasets/user").rename("elsewhere")
    said = sbr("similar", 4, "--run", "popular")
    assert (said.code, said.stdout) == (5, "")
    assert "error: no dataset named user in sbr-work\n" in said.stderr


def test_items_that_share_no_session_are_not_similar_by_sessions():
    items = RunItems(["a", "b", "c"], np.ones(3, np.int64))
    similarity = SessionSimilarity(make_sessions([0, 1, 0, -1], [2], [1]), items, damping=0)
    assert similarity.similar(0, 5) == (SimilarItem(1, "b", round(1 / np.sqrt(2), 6), 1),)
    assert similarity.similar(2, 5) == ()
