"""`sbr blend`: a run of other runs, which needs none of them."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import sbrcli
from sbrcli.artefacts.items import ITEMS_FILE, load_items
from sbrcli.artefacts.manifests import MANIFEST, read_json, write_json
from sbrcli.artefacts.run import Run
from sbrcli.artefacts.workspace import Workspace
from sbrcli.dataset.storage import load_split
from sbrcli.errors import ConfigError
from sbrcli.evaluation.calibration import find_scale
from sbrcli.evaluation.metrics import metrics_at
from sbrcli.evaluation.ranks import rank_targets
from sbrcli.models.gru4rec.weights import GruShape, initialise_weights
from sbrcli.models.loading import load_scorer
from sbrcli.models.stream import stream_of
from sbrcli.workflow import make_blend as blending
from tests.builders import make_run
from tests.chains import make_workspace
from tests.cli.test_startup import SLOW, modules_of
from tests.serve.served import serving

RUNS = Path("sbr-work", "runs")
NAME = "user-blend-markov-stan"
PAIR = ("blend", "user-markov", "user-stan")


def make_network(
    root: Path, name: str, workspace: Workspace, size: float = 1, **entries: object
) -> None:
    """Add a run of a network with random weights, of a size."""
    dataset = {"name": "user", "fingerprint": workspace.open("dataset").fingerprint}
    ids = load_items(RUNS / "user-markov" / ITEMS_FILE).ids
    shape = GruShape(len(ids), (4,), "shared")
    weights = {key: size * own for key, own in initialise_weights(shape, seed=1).items()}
    run = make_run(root / "sbr-work", name=name, ids=ids, dataset=dataset, weights=weights)
    write_json(run / MANIFEST, read_json(run / MANIFEST) | entries)


@pytest.fixture
def workspace(sbr, tmp_path) -> Workspace:
    """A dataset with the runs user-markov and user-stan, and a random network, a."""
    made = make_workspace(tmp_path / "sbr-work")
    assert sbr("train", "--model", "markov").code == 0
    assert sbr("train", "--model", "stan").code == 0
    make_network(tmp_path, "a", made)
    return made


def test_its_weights_are_the_best_on_valid_of_those_tried(sbr, workspace):
    said = sbr(*PAIR, "--json")
    assert said.code == 0
    found = json.loads(said.stdout)
    assert (found["run"], found["dataset"], found["already_there"]) == (NAME, "user", False)
    choice = found["choice"]
    weights = [member["weight"] for member in found["members"]]
    assert [member["run"] for member in found["members"]] == ["user-markov", "user-stan"]
    assert sum(weights) == pytest.approx(1)
    figures = {tuple(t["weights"]): t["metrics"]["mrr@20"] for t in choice["trials"]}
    assert figures[tuple(weights)] == max(figures.values())
    assert len(figures) == 11
    alone = [figures[1.0, 0.0], figures[0.0, 1.0]]
    assert choice["gain"] == pytest.approx(max(figures.values()) - max(alone))
    assert said.stderr.splitlines()[0] == f"run {NAME} on dataset user"
    best = ("user-markov", "user-stan")[choice["best_alone"]]
    assert said.stderr.splitlines()[1] == (
        f"gain over {best}, the best of the runs, in mrr@20 on {choice['events']} next items of "
        f"valid (standard error): {choice['gain']:+.4f} ({choice['standard_error']:.4f})"
    )
    # The run's own figures, by the blend as it is loaded.
    valid = load_split(workspace.open("dataset").path, "valid")
    metrics = metrics_at(rank_targets(load_scorer(RUNS / NAME), valid).ranks, [20])
    assert found["metrics"] == pytest.approx({name: metrics[name] for name in found["metrics"]})
    assert metrics["mrr@20"] == pytest.approx(figures[tuple(weights)])
    # Each member's log(1 + items * share), weighted.
    session = np.array([3, 1])
    expected = np.zeros(40)
    for name, weight in zip(("markov", "stan"), weights, strict=True):
        own = load_scorer(RUNS / f"user-{name}").score_next(session)
        expected += weight * np.log1p(40 * own / own.sum())
    scorer = load_scorer(RUNS / NAME)
    np.testing.assert_allclose(scorer.score_next(session), expected, rtol=1e-5, atol=1e-6)


def test_its_folder_alone_does_what_a_run_does(sbr, workspace):
    sbr(*PAIR, "--equal", "--name", "both")
    listed = json.loads(sbr("runs", "--json").stdout)["runs"]
    assert {row["run"]: row["model"] for row in listed}["both"] == "blend"
    before = sbr("recommend", "--items", "3,1", "--json").stdout  # by the latest run
    for name in ("user-markov", "user-stan"):
        assert sbr("runs", "rm", "--yes", name).code == 0
    shown = sbr("runs", "show", "both", "--json")
    assert json.loads(shown.stdout)["summary"]["status"] == "complete"
    assert sbr("runs", "show", "both").code == 0
    words = ("evaluate", "both", "--baselines", "markov", "--slices", "--json")
    board = json.loads(sbr(*words).stdout)
    rows = {row["model"]: row for row in board["leaderboard"]}
    assert rows["blend"]["options"] == "user-markov=0.5,user-stan=0.5"
    assert rows["blend"]["memory_bytes"] > rows["markov"]["memory_bytes"]
    sbr("evaluate", "a")
    compared = json.loads(sbr("compare", "--json").stdout)
    assert {row["run"]: row["protocol"] for row in compared["runs"]} == {"a": 1, "both": 1}
    assert len(compared["differences"]) == 1
    assert sbr("report", "both").code == 0
    page = Path("report.html").read_text()
    assert "· Blend</title>" in page
    assert "sbr train --dataset user --model markov\n" in page
    assert "sbr blend user-markov user-stan --equal --name both\n" in page
    shutil.rmtree("sbr-work/datasets")
    shutil.rmtree(RUNS / "a")
    assert sbr("recommend", "--items", "3,1", "--json").stdout == before
    recommender = sbrcli.load(RUNS / "both")
    assert recommender.explain(["3", "1"], k=2).items[0].why
    stream = stream_of(recommender.scorer)
    session = recommender.items.index_of["3"], recommender.items.index_of["1"]
    (scores,) = stream.scores(stream.advance([None], [np.array(session)]))
    np.testing.assert_array_equal(scores, recommender.scorer.score_next(np.array(session)))
    assert modules_of("recommend", "--items", "3,1") & SLOW == {"scipy"}


def test_the_same_again_stays_and_another_of_its_name_is_refused(sbr, workspace):
    sbr(*PAIR)
    before = {path: path.read_bytes() for path in (RUNS / NAME).rglob("*") if path.is_file()}
    again = sbr(*PAIR, "--json")
    assert (again.code, json.loads(again.stdout)["already_there"]) == (0, True)
    assert f"run {NAME} already exists, made of the same runs\n" in again.stderr
    assert before == {p: p.read_bytes() for p in (RUNS / NAME).rglob("*") if p.is_file()}
    other = sbr(*PAIR, "--equal", "--name", NAME)
    assert (other.code, other.stdout) == (5, "")
    assert "already exists, trained with other options or on other data" in other.stderr
    # A run of the same name with another model makes another blend.
    sbr("train", "--model", "stan", "--stan", "k=3", "--name", "user-stan", "--overwrite")
    assert sbr(*PAIR).code == 5
    assert sbr(*PAIR, "--overwrite").code == 0
    assert sbr(*PAIR).code == 0


def test_a_run_that_adds_nothing_is_left_out_and_said_to_be(sbr, workspace, tmp_path, monkeypatch):
    def no_links(*_: object) -> None:
        raise OSError("no links here")

    monkeypatch.setattr(blending.os, "link", no_links)
    make_network(tmp_path, "noise", workspace, size=100)  # whose scores drown all others
    said = sbr("blend", "user-markov", "noise", "--name", "b", "--json")
    weights = [member["weight"] for member in json.loads(said.stdout)["members"]]
    assert weights == [1, 0]
    assert "warning: the blend is best without run noise, whose weight is 0\n" in said.stderr
    kept = sorted(str(p.relative_to(RUNS / "b")) for p in (RUNS / "b").rglob("*") if p.is_file())
    assert kept == [
        "items.safetensors",
        "manifest.json",
        "members/noise/manifest.json",
        "members/user-markov/manifest.json",
        "members/user-markov/weights.safetensors",
    ]
    assert sbr("recommend", "--run", "b", "--items", "3").code == 0
    assert sbr("report", "b").code == 0  # which names the commands of both
    assert "--name b" in Path("report.html").read_text()


def test_scores_of_a_ranking_loss_are_scaled(sbr, workspace, tmp_path):
    config = read_json(RUNS / "a" / MANIFEST)["config"]
    make_network(tmp_path, "ranking", workspace, config=config | {"loss": "bpr"})
    said = sbr("blend", "a", "ranking", "--equal", "--json")
    by_run = {member["run"]: member for member in json.loads(said.stdout)["members"]}
    network = load_scorer(RUNS / "ranking")
    valid = load_split(workspace.open("dataset").path, "valid")
    scale = find_scale(network, valid)
    assert (by_run["a"]["scale"], by_run["ranking"]["scale"]) == (1, scale)
    session = np.array([5])
    own = load_scorer(RUNS / "a").score_next(session)
    expected = 0.5 * own + 0.5 * scale * network.score_next(session)
    found = load_scorer(RUNS / "user-blend-a-ranking-equal").score_next(session)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def refused(sbr, *words: str) -> tuple[int, str]:
    said = sbr(*words)
    assert said.stdout == ""
    return said.code, said.stderr


def test_what_cannot_be_blended_is_refused(sbr, workspace, tmp_path):
    sbr(*PAIR)
    make_run(tmp_path / "sbr-work", name="foreign")
    make_network(tmp_path, "refitted", workspace, refit={"epochs": []})
    names = [str(item) for item in range(39)]
    reference = read_json(RUNS / "a" / MANIFEST)["dataset"]
    make_run(tmp_path / "sbr-work", name="smaller", ids=names, dataset=reference)
    written = sorted(path.name for path in RUNS.iterdir())
    assert refused(sbr, "blend", "a") == (
        2,
        "error: a blend is made of two runs or more, each named once. Received: a\n"
        "hint: sbr blend RUN RUN; sbr runs lists them\n",
    )
    assert refused(sbr, "blend", "a", "a")[0] == 2
    assert refused(sbr, "blend", "a", "nobody")[0] == 5
    assert refused(sbr, "blend", "a", NAME) == (
        4,
        f"error: run {NAME} is a blend, and a blend is made of other runs\n"
        "hint: name its own runs: user-markov user-stan\n",
    )
    assert refused(sbr, "blend", "a", "foreign") == (
        4,
        "error: the runs are of different datasets: a of user, foreign of user, as it was before\n"
        "hint: name runs of one dataset; sbr runs lists them\n",
    )
    assert refused(sbr, "blend", "a", "smaller") == (
        4,
        "error: runs a and smaller know different items, as a run trained with --refit and one "
        "without do\n"
        "hint: name runs that were trained on the same events\n",
    )
    assert refused(sbr, "blend", "a", "refitted") == (
        4,
        "error: run refitted was trained on the valid split too (--refit), on which the weights of "
        "a blend are chosen\n"
        "hint: --equal gives all runs the same weight\n",
    )
    assert refused(sbr, "blend", "a", "user-markov", "--name", "a") == (
        2,
        "error: run a cannot be made of itself\nhint: give the blend another --name\n",
    )
    assert sorted(path.name for path in RUNS.iterdir()) == written
    said = json.loads(sbr("blend", "a", "refitted", "--equal", "--json").stdout)
    assert (said["metrics"], said["choice"]) == (None, None)
    assert [member["weight"] for member in said["members"]] == [0.5, 0.5]
    assert Run.read(RUNS / "user-blend-a-refitted-equal").is_refitted


def test_without_a_valid_split_only_equal_weights_are_possible(sbr, tmp_path):
    made = make_workspace(tmp_path / "sbr-work", valid_days=0)
    sbr("train", "--model", "markov")
    sbr("train", "--model", "popularity")
    words = ("blend", "user-markov", "user-popularity")
    assert refused(sbr, *words) == (
        4,
        "error: dataset user has no valid split, on which the weights of a blend are chosen\n"
        "hint: --equal gives all runs the same weight\n",
    )
    assert sbr(*words, "--equal").code == 0
    assert made.open("run").name == "user-blend-markov-popularity-equal"


def test_a_valid_split_of_unknown_items_alone_is_nothing_to_choose_by(sbr, workspace, monkeypatch):
    from sbrcli.workflow import choose_weights

    unknown = load_split(workspace.open("dataset").path, "valid")
    unknown.item_indices[:] = 10**6
    monkeypatch.setattr(choose_weights, "load_split", lambda *_: unknown)
    assert refused(sbr, *PAIR) == (
        3,
        "error: the runs know no next item of the valid split, on which the weights of a blend are "
        "chosen\n"
        "hint: --equal gives all runs the same weight\n",
    )
    assert not (RUNS / NAME).exists()


def test_a_run_that_is_replaced_meanwhile_is_not_blended(sbr, workspace, monkeypatch):
    choose = blending.choose_weights

    def choose_slowly(*words, **how):
        found = choose(*words, **how)
        path = RUNS / "user-stan" / "weights.safetensors"
        path.write_bytes(path.read_bytes() + b" ")
        return found

    monkeypatch.setattr(blending, "choose_weights", choose_slowly)
    assert refused(sbr, *PAIR) == (
        5,
        "error: run user-stan has been replaced meanwhile\nhint: run the same command again\n",
    )
    assert not (RUNS / NAME).exists()


def test_what_requires_a_network_refuses_a_blend(sbr, workspace):
    sbr(*PAIR)
    datasets = sorted(Path("sbr-work", "datasets").iterdir())
    for words in (
        ("evaluate", "--hybrid"),
        ("train", "--from", NAME),
        ("export", "--run", NAME),
        ("update", __file__, "--run", NAME),
    ):
        code, said = refused(sbr, *words)
        assert code == 4, words
        assert said == (
            f"error: run {NAME} is a blend; this requires a network\n"
            "hint: name the run of a network; sbr runs lists the model of each run\n"
        )
    assert sorted(Path("sbr-work", "datasets").iterdir()) == datasets


def test_a_service_answers_as_recommend_does(sbr, workspace):
    sbr("blend", "user-markov", "user-stan", "a", "--equal", "--name", "both")
    words = ("recommend", "--run", "both", "--items", "3,1", "-k", 5, "--json")
    expected = json.loads(sbr(*words).stdout)
    with serving(Path("sbr-work"), "--run", "both") as service:
        found = service.post("/v1/recommend", {"items": ["3", "1"], "k": 5})
        assert found["items"] == expected["items"]
        similar = service.ask("GET", "/v1/items/3/similar?k=4")[1]
        for item in ("3", "1"):
            found = service.post("/v1/sessions/one/events", {"items": [item], "k": 5})
        assert [one["item"] for one in found["items"]] == [one["item"] for one in expected["items"]]
    # The network is one of the members, and says so.
    said = json.loads(sbr("similar", "3", "--run", "both", "-k", 4, "--json").stdout)
    alone = json.loads(sbr("similar", "3", "--run", "a", "-k", 4, "--json").stdout)
    assert said == alone | {"network": "a"}
    assert len(said["items"]) == len(said["co_occurring"]) == 4
    assert (similar["items"], similar["network"]) == (said["items"], "a")
    assert "Similar to 3 by network a's output table\n" in (
        sbr("similar", "3", "--run", "both", terminal=True).stdout
    )
    recommender = sbrcli.load(RUNS / "both")
    for kind, by in (("items", "output"), ("co_occurring", "sessions")):
        found = recommender.similar("3", 4, by=by)
        assert [one.item for one in found] == [one["item"] for one in said[kind]]


def test_a_blend_of_baselines_has_similar_items_by_sessions_alone(sbr, workspace):
    sbr(*PAIR, "--equal", "--name", "both")
    said = json.loads(sbr("similar", "3", "--run", "both", "-k", 4, "--json").stdout)
    assert said["items"] is None
    assert said["co_occurring"]
    recommender = sbrcli.load(RUNS / "both")
    assert recommender.similar("3", by="sessions")
    with pytest.raises(ConfigError, match="run both is a blend; this requires a network"):
        recommender.similar("3")


def test_runs_show_lists_its_members_and_their_weights(sbr, workspace):
    sbr(*PAIR, "--equal", "--name", "both")
    said = sbr("runs", "show", "both")
    rows = "run\tmodel\tweight\nuser-markov\tmarkov\t0.5\nuser-stan\tstan\t0.5\n"
    assert rows in said.stdout
    found = json.loads(sbr("runs", "show", "both", "--json").stdout)["members"]
    assert [(one["run"], one["model"], one["weight"]) for one in found] == [
        ("user-markov", "markov", 0.5),
        ("user-stan", "stan", 0.5),
    ]
    assert json.loads(sbr("runs", "show", "runs/a", "--json").stdout)["members"] == []
    path = RUNS / "both" / MANIFEST
    write_json(path, read_json(path) | {"network": {"members": 3}})
    said = sbr("runs", "show", "both")
    assert said.code == 0
    assert "run\tmodel\tweight" not in said.stdout
    assert "its members are not those of a blend" in said.stderr


def test_damage_is_named(sbr, workspace):
    sbr(*PAIR, "--equal", "--name", "both")
    again = "hint: make the blend again: sbr blend RUN RUN… --overwrite\n"
    weights = RUNS / "both" / "members" / "user-stan" / "weights.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.unlink()  # it may be a link to that of the run
    weights.write_bytes(content)
    words = ("recommend", "--run", "both", "--items", "3")
    assert refused(sbr, *words) == (
        5,
        f"error: {weights} is damaged: its checksum is not the one stored when it was written\n"
        + again,
    )
    summary = json.loads(sbr("runs", "show", "both", "--json").stdout)["summary"]
    assert summary["status"] == "damaged"
    weights.unlink()
    assert json.loads(sbr("runs", "--json").stdout)["runs"][1]["problem"] == f"{weights} is missing"
    said = sbr("serve", "--run", "both", "--port", 0)
    assert said.code == 5
    assert said.stderr == (
        f"run both on dataset user\nerror: {weights} is damaged: it is missing\n" + again
    )
    manifest = RUNS / "both" / MANIFEST
    document = read_json(manifest)
    first, second = document["network"]["members"]
    for entries, complaint in (
        ([first | {"weight": 0}, second | {"weight": 0}], "no member has a weight"),
        ([first | {"run": "../user-stan"}], "its members are not those of a blend: "),
        (
            [first | {"weight": -1}],
            "its members are not those of a blend: ValueError('-1 is no weight')",
        ),
    ):
        write_json(manifest, document | {"network": {"num_items": 40, "members": entries}})
        code, said = refused(sbr, *words)
        assert code == 5
        assert said.startswith(f"error: run both is damaged: {complaint}")
        assert said.endswith(again)
    write_json(manifest, document | {"network": {"num_items": 41, "members": [first]}})
    assert refused(sbr, *words) == (
        5,
        "error: run both is damaged: member user-markov scores another number of items\n" + again,
    )
