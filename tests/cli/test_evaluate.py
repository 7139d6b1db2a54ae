"""`sbr evaluate`: the figures and their protocol, and what stops it."""

import json
import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sbrcli.artefacts.manifests import write_json
from sbrcli.artefacts.workspace import Workspace
from sbrcli.config.evaluation import EvaluateConfig
from sbrcli.evaluation.metrics import metrics_at
from sbrcli.evaluation.stored_ranks import read_ranks
from sbrcli.models.gru4rec.weights import GruShape
from sbrcli.workflow.evaluate import evaluate_run
from tests.builders import make_run, write_ratings
from tests.cli.test_recommend import preferring, unpadded
from tests.reporters import RecordingReporter

DAY = 86_400
#            user item time: three users train on 5, 6 and 7, two users test
LOG = ", ".join(
    [f"{user} {item} {step}" for user in (1, 2, 3) for step, item in enumerate((5, 6, 7, 5))]
    + [f"4 {item} {90 * DAY + step}" for step, item in enumerate((6, 5, 7))]
    + [f"5 {item} {91 * DAY + step}" for step, item in enumerate((5, 6))]
)

# 6>5 has rank 1, 5>7 rank 3, 5>6 rank 2.
TSV = f"""\
k\trecall\tmrr\tndcg
1\t{1 / 3}\t{1 / 3}\t{1 / 3}
2\t{2 / 3}\t{(1 + 1 / 2) / 3}\t{(1 + 1 / np.log2(3)) / 3}

protocol\tvalue
dataset\tuser
first time\t1970-04-01T00:00:00+00:00
last time\t1970-04-02T00:00:01+00:00
last training event\t1970-01-01T00:00:03+00:00
first target\t1970-04-01T00:00:01+00:00
targets after the last training event\t1.0
coverage\tevery next item of every session
next items scored\t3
sessions\t2
unknown next items, left out\t0
candidates\t3
session's earlier items\tare candidates
next items seen before\t0
tie rule\tties count against the next item
tie share\t0.0
"""

# Without the items seen: 6>5 has rank 1, 5>7 rank 1, 5>6 rank 1.
TABLES = """\
Run user-1x4 on test

  k   recall      mrr     ndcg
 ──────────────────────────────
  1   1.0000   1.0000   1.0000

Protocol

  dataset: user; first time: 1970-04-01T00:00:00+00:00; last time:
  1970-04-02T00:00:01+00:00; last training event: 1970-01-01T00:00:03+00:00;
  first target: 1970-04-01T00:00:01+00:00; targets after the last training
  event: 100.0 %; coverage: every next item of every session; next items scored:
  3; sessions: 2; unknown next items, left out: 0; candidates: 3; session's
  earlier items: left out; next items seen before: 0; tie rule: ties count
  against the next item; tie share: 0.0 %

"""


@pytest.fixture
def run(sbr, tmp_path: Path) -> Path:
    """A run over 5, 6, 7 that always prefers 5 to 6 to 7, and the dataset it was trained on."""
    log = write_ratings(tmp_path / "ratings.dat", LOG)
    words = ("--min-item-support", 1, "--valid-days", 0, "--test-days", 30, "--name", "user")
    said = sbr("preprocess", log, *words)
    assert said.code == 0, said.stderr
    dataset = json.loads(Path("sbr-work/datasets/user/manifest.json").read_text())
    return make_run(
        tmp_path / "sbr-work",
        ids=("5", "6", "7"),
        weights=preferring([3.0, 2.0, 1.0]),
        dataset={"name": "user", "fingerprint": dataset["fingerprint"]},
    )


def small_run(tmp_path: Path, run: Path) -> None:
    """A run over 5 and 6 alone, on the same dataset."""
    make_run(
        tmp_path / "sbr-work",
        name="small",
        ids=("5", "6"),
        shape=GruShape(2, (4,), "shared"),
        weights=preferring([3.0, 2.0]),
        dataset=json.loads((run / "manifest.json").read_text())["dataset"],
    )


def without_speed(text: str) -> str:
    """Take out the one line that differs from call to call."""
    return "".join(line for line in text.splitlines(True) if "events per second" not in line)


def test_a_pipe_gets_the_metrics_by_k_and_the_protocol(sbr, run):
    said = sbr("evaluate", "-k", 1, "-k", 2)
    assert without_speed(said.stdout) == TSV
    assert (said.stderr, said.code) == ("run user-1x4 on dataset user\n", 0)


def test_a_person_gets_two_tables(sbr, run):
    said = sbr("evaluate", "-k", 1, "--exclude-seen", terminal=True)
    shown = re.sub(r";\s+events\s+per\s+second: [\d,]+", "", said.stdout)
    assert unpadded(shown) == TABLES


def test_unknown_next_items_are_stated_as_misses_beside(sbr, tmp_path, run):
    small_run(tmp_path, run)
    said = sbr("evaluate", "--run", "small", "-k", 1, "--json")
    found = json.loads(said.stdout)
    # 6>5 is a hit, 5>6 is not, 7 is unknown.
    assert found["metrics"]["recall@1"] == pytest.approx(1 / 2)
    assert found["metrics_unknown_as_miss"]["recall@1"] == pytest.approx(1 / 3)
    assert found["protocol"]["unknown_events"] == 1
    table = sbr("evaluate", "--run", "small", "-k", 1).stdout
    assert table.startswith(f"""\
k\trecall\tmrr\tndcg
1\t0.5\t0.5\t0.5

k\trecall\tmrr\tndcg
1\t{1 / 3}\t{1 / 3}\t{1 / 3}

protocol\tvalue
""")


def test_each_way_to_evaluate_is_kept_in_the_runs_folder(sbr, run):
    said = sbr("evaluate", "--json")
    sbr("evaluate", "--exclude-seen")
    kept = json.loads((run / "evaluation.json").read_text())
    assert list(kept) == ["test", "test exclude-seen"]
    told = {key: value for key, value in json.loads(said.stdout).items() if value is not None}
    assert kept["test"] == told
    assert list(kept["test"]["metrics"]) == [
        f"{name}@{k}" for k in (1, 5, 10, 20) for name in ("recall", "mrr", "ndcg")
    ]


def test_the_ranks_are_kept_for_each_way_and_bring_the_same_figures(sbr, run):
    for way in ((), ("--exclude-seen",)):
        found = json.loads(sbr("evaluate", "-k", 2, *way, "--json").stdout)
        name = "-".join(["ranks-test", *(option.removeprefix("--") for option in way)])
        kept = read_ranks(run / f"{name}.safetensors", found["protocol"]["events"])
        assert kept is not None
        assert metrics_at(kept.ranks, [2]) == found["metrics"]
        assert len(set(kept.session.tolist())) == found["protocol"]["sessions"]


def test_baselines_stand_beside_the_run_and_the_verdict_on_stderr(sbr, run):
    said = sbr("evaluate", "-k", 2, "--baselines", "popularity,markov")
    found = said.stdout.split("\n\n")
    lines = found[1].splitlines()
    assert lines[0] == "model\trecall@2\tmrr@2\tlow\thigh\tndcg@2"
    assert sorted(line.split("\t")[0] for line in lines[1:]) == [
        "gru4rec",
        "markov",
        "popularity",
    ]
    assert [line.split("\t")[0] for line in found[2].splitlines()] == [
        "model",
        *(line.split("\t")[0] for line in lines[2:]),
    ]
    assert found[2].splitlines()[0] == "model\tto best\tlow\thigh\tp"
    assert found[3].splitlines()[0] == "model\tcoverage\tpopularity\tgini\tevents/s\tMB"
    assert said.stderr.endswith("; but 2 sessions are too few to rely on that\n")
    assert said.code == 0


def test_a_person_reads_the_leaderboard_in_80_columns(sbr, run):
    said = sbr("evaluate", "--baselines", "all", terminal=True)
    lines = [line.rstrip() for line in said.stdout.splitlines()]
    headers = [line.split()[0:2] for line in lines if line.startswith("  model ")]
    assert headers == [["model", "recall@20"], ["model", "to"], ["model", "coverage"]]
    assert sum(line.startswith("  session-popularity ") for line in lines) >= 2


def test_the_leaderboard_is_a_contract_of_scripts(sbr, run):
    found = json.loads(sbr("evaluate", "-k", 2, "--baselines", "all", "--json").stdout)
    assert sorted(row["model"] for row in found["leaderboard"]) == [
        "gru4rec",
        "item-knn",
        "markov",
        "popularity",
        "session-popularity",
        "stan",
        "vsknn",
    ]
    own = next(row for row in found["leaderboard"] if row["model"] == "gru4rec")
    assert own["metrics"] == found["metrics"]
    assert set(own) == {
        "model",
        "metrics",
        "interval",
        "to_best",
        "coverage",
        "mean_popularity",
        "gini",
        "events_per_second",
        "memory_bytes",
        "options",
    }
    assert own["memory_bytes"] == 4 * (3 * 4 + 3 + (4 * 12) * 2 + 2 * 12)
    assert found["verdict"]
    options = {row["model"]: row["options"] for row in found["leaderboard"]}
    assert (options["gru4rec"], options["popularity"]) == (None, None)
    assert options["vsknn"] == "k=100,sample=1000,weighting=linear,decay=div,idf=0"
    assert options["stan"] == "k=100,sample=5000,lambda1=1.02,lambda2=5,lambda3=2.05"


def test_a_baselines_options_are_given_in_one_string(sbr, run):
    words = ("--baselines", "vsknn,markov,stan", "--vsknn", "k=2,idf=1")
    words += ("--stan", "lambda1=0.5,k=3", "--json")
    found = json.loads(sbr("evaluate", *words).stdout)
    options = {row["model"]: row["options"] for row in found["leaderboard"]}
    assert options["vsknn"] == "k=2,sample=1000,weighting=linear,decay=div,idf=1"
    assert options["markov"] == "steps=1,decay=div"
    assert options["stan"] == "k=3,sample=5000,lambda1=0.5,lambda2=5,lambda3=2.05"


def test_the_hybrid_needs_a_valid_split(sbr, run):
    said = sbr("evaluate", "--hybrid")
    assert (said.stdout, said.code) == ("", 5)
    assert said.stderr.startswith("error: dataset user has no valid split\n")


def test_quiet_says_no_verdict(sbr, run):
    assert sbr("evaluate", "--baselines", "markov", "--quiet", "-k", 2).stderr == ""


def test_every_k_that_is_not_below_the_candidates_is_warned_of(sbr, run):
    assert sbr("evaluate", "-q", "-k", 2, "-k", 3, "-k", 20).stderr == (
        "warning: the number of candidates is 3, so recall is 1 by construction at k = "
        "3, 20, whatever the model: choose a K below 3 (sbr evaluate -k)\n"
    )


def test_what_is_wrong_with_baselines_is_reported_before_a_run_is_opened(sbr):
    said = sbr("evaluate", "--baselines", "markow")
    assert (said.stdout, said.code) == ("", 2)
    assert said.stderr == (
        "error: baselines must be all, or some of popularity, session-popularity, markov, "
        "item-knn, vsknn, stan. Received: markow\n"
    )
    said = sbr("evaluate", "--vsknn", "k=0")
    assert (said.stderr, said.code) == ("error: vsknn's k must be at least 1. Received: 0\n", 4)


def test_slices_stand_between_the_metrics_and_the_protocol(sbr, run):
    said = sbr("evaluate", "-k", 1, "--slices")
    assert said.stdout.split("\n\n")[1] == (
        "slice\tvalue\tevents\trecall@1\tmrr@1\tndcg@1\n"
        "position\t2\t2\t0.5\t0.5\t0.5\n"
        "position\t3\t1\t0.0\t0.0\t0.0\n"
        "session length\t2\t1\t0.0\t0.0\t0.0\n"
        "session length\t3\t2\t0.5\t0.5\t0.5\n"
        "popularity decile\t4\t1\t0.0\t0.0\t0.0\n"
        "popularity decile\t7\t1\t0.0\t0.0\t0.0\n"
        "popularity decile\t10\t1\t1.0\t1.0\t1.0\n"
        "item\tnew\t3\t" + "\t".join([str(1 / 3)] * 3) + "\n"
        "week\t1970-03-30\t3\t" + "\t".join([str(1 / 3)] * 3)
    )


def test_a_leaderboard_once_found_stays_when_the_figures_are_requested_again(sbr, run):
    sbr("evaluate", "--baselines", "markov")
    sbr("evaluate", "--slices")
    kept = json.loads((run / "evaluation.json").read_text())["test"]
    assert sorted(row["model"] for row in kept["leaderboard"]) == ["gru4rec", "markov"]
    assert kept["verdict"]
    assert kept["slices"]


def test_figures_once_found_stay_when_others_are_requested(sbr, run):
    before = json.loads(sbr("evaluate", "-k", 1, "-k", 2, "--json").stdout)
    after = json.loads(sbr("evaluate", "-k", 3, "--json").stdout)
    assert list(after["metrics"]) == ["recall@3", "mrr@3", "ndcg@3"]
    kept = json.loads((run / "evaluation.json").read_text())["test"]
    for name in ("metrics", "metrics_unknown_as_miss"):
        assert kept[name] == before[name] | after[name]


def test_per_event_gives_what_every_figure_is_made_of(sbr, run, tmp_path):
    small_run(tmp_path, run)
    words = ("evaluate", "--run", "small", "-k", 2, "--baselines", "markov", "--json")
    found = json.loads(sbr(*words, "--per-event", "events.parquet").stdout)
    rows = pd.read_parquet("events.parquet")
    assert list(rows) == ["model", "session", "position", "target", "rank", "score"]
    own = rows[rows["model"] == "gru4rec"]
    assert own[["session", "position", "target"]].to_numpy().tolist() == [
        [4, 2, "5"],
        [4, 3, "7"],
        [5, 2, "6"],
    ]
    # 7 is unknown to the small run.
    assert own["rank"].isna().tolist() == [False, True, False]
    assert own["score"].isna().tolist() == [False, True, False]
    for row in found["leaderboard"]:
        ranks = rows.loc[rows["model"] == row["model"], "rank"].dropna()
        assert (1 / ranks[ranks <= 2]).sum() / len(ranks) == pytest.approx(row["metrics"]["mrr@2"])


def test_per_event_needs_a_folder_to_write_to(sbr, run):
    said = sbr("evaluate", "--per-event", "nowhere/events.parquet")
    assert (said.stdout, said.code) == ("", 4)
    assert said.stderr == (
        "error: per-event must be a file in an existing folder. Received: nowhere/events.parquet\n"
    )


def test_per_event_takes_the_place_of_no_pipe_or_device(sbr):
    os.mkfifo("pipe")
    said = sbr("evaluate", "--per-event", "pipe")
    assert (said.stdout, said.code) == ("", 4)
    assert said.stderr == (
        "error: per-event must be a file in an existing folder. Received: pipe\n"
    )


def test_per_event_cannot_be_longer_than_any_file_s_name(sbr):
    name = "x" * 300
    said = sbr("evaluate", "--per-event", name)
    assert (said.stdout, said.code) == ("", 4)
    assert said.stderr == (
        f"error: per-event must be a file in an existing folder. Received: {name}\n"
    )


def test_per_event_that_cannot_be_written_is_an_artefact_error(sbr, run):
    name = "x" * 250  # which leaves no room for what a file is called before it is whole
    said = sbr("evaluate", "--per-event", name)
    assert (said.stdout, said.code) == ("", 5)
    assert said.stderr == (
        f"error: cannot write {name}: File name too long\nhint: name another file\n"
    )


def test_a_dataset_that_has_changed_is_an_artefact_error(sbr, run):
    manifest = json.loads((run / "manifest.json").read_text())
    manifest["dataset"]["fingerprint"] = "another"
    (run / "manifest.json").write_text(json.dumps(manifest))
    said = sbr("evaluate", "--json")
    assert (said.stdout, said.code) == ("", 5)
    assert said.stderr == (
        "error: dataset user has changed since run user-1x4 was trained on it\n"
        "hint: train the run again with --overwrite, or prepare the dataset as it was\n"
    )


def test_a_run_that_names_no_dataset_is_an_artefact_error(sbr, run):
    path = run / "manifest.json"
    manifest = json.loads(path.read_text())
    for dataset, problem, hint in (
        (
            None,
            "sbr-work/runs/user-1x4/manifest.json is damaged: dataset is missing",
            "make the folder again; --overwrite replaces it",
        ),
        (
            {"name": "", "fingerprint": "0"},
            "sbr-work/runs/user-1x4 is damaged: its manifest names "
            "no dataset: a dataset's name must be 1 to 120 printable characters, without / \\ : * "
            "? \" < > | and not begin with a dot or a dash. Received: ''",
            "train the run again with --overwrite",
        ),
    ):
        changed = {name: value for name, value in manifest.items() if name != "dataset"}
        changed |= {} if dataset is None else {"dataset": dataset}
        path.write_text(json.dumps(changed))
        said = sbr("evaluate", "--json")
        assert (said.stdout, said.code) == ("", 5)
        assert said.stderr == f"error: {problem}\nhint: {hint}\n"


def test_kept_figures_that_are_none_are_an_artefact_error(sbr, run):
    (run / "evaluation.json").write_text("[1]")
    said = sbr("evaluate", "--json")
    assert (said.stdout, said.code) == ("", 5)
    assert said.stderr == (
        "error: sbr-work/runs/user-1x4/evaluation.json is damaged: it holds no figures\n"
        "hint: delete it; sbr evaluate writes it again\n"
    )


def test_a_run_that_was_replaced_meanwhile_keeps_no_figures_of_the_one_before(run):
    workspace, reporter = Workspace(Path("sbr-work")), RecordingReporter()
    before = workspace.open("run")
    write_json(run / "manifest.json", before.document | {"seed": 2})
    found = evaluate_run(before, workspace, EvaluateConfig(), reporter=reporter)
    assert found.metrics["recall@1"] == 1 / 3
    assert reporter.done == [("evaluate", 3, 3)]
    assert reporter.warnings == [
        "the metrics are not stored: run user-1x4 has been replaced meanwhile",
    ]


def test_a_dataset_that_is_gone_is_an_artefact_error(sbr, tmp_path):
    make_run(tmp_path / "sbr-work")
    said = sbr("evaluate")
    assert (said.stdout, said.code) == ("", 5)
    assert said.stderr == (
        "error: no dataset named user in sbr-work\nhint: make one with: sbr preprocess LOG\n"
    )


def test_a_split_that_the_dataset_lacks_is_an_artefact_error(sbr, run):
    said = sbr("evaluate", "--split", "valid")
    assert (said.stdout, said.code) == ("", 5)
    assert said.stderr == (
        "error: dataset user has no valid split\n"
        "hint: sbr preprocess makes one with --valid-days above 0\n"
    )


def test_too_few_sessions_for_the_notebooks_loader_are_a_data_error(sbr, run):
    said = sbr("evaluate", "--notebook-coverage")
    assert (said.stdout, said.code) == ("", 3)
    assert said.stderr == (
        "error: the source notebook's loader needs 64 sessions, and the split has 2\n"
        "hint: leave --notebook-coverage out\n"
    )


def test_wrong_values_are_reported_before_a_run_is_opened(sbr):
    said = sbr("evaluate", "-k", 0)
    assert (said.stderr, said.code) == ("error: k must be at least 1. Received: 0\n", 4)
    said = sbr("evaluate", "--split", "train")
    assert (said.stdout, said.code) == ("", 2)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "steps", "events"),
    [(["--session", "user"], 418, 418 * 64), (["--session", "gap:3600", "--across-users"], 2, 128)],
)
def test_the_notebooks_coverage_of_movielens_1m_has_as_many_steps_as_the_notebook_printed(
    sbr, ml_1m, tmp_path, options, steps, events
):
    from sbrcli.dataset.storage import load_split
    from sbrcli.evaluation.notebook_events import notebook_targets

    assert sbr("preprocess", ml_1m, *options, "--name", "ml").code == 0
    covered, found = notebook_targets(load_split(tmp_path / "sbr-work/datasets/ml", "test"))
    assert (found, int(covered.sum())) == (steps, events)


def test_the_help_shows_the_defaults(sbr):
    text = " ".join(sbr("evaluate", "--help").stdout.replace("│", " ").split())
    assert "[default: 1, 5, 10, 20]" in text
    for shown in (
        "[default: steps=1, decay=div]",
        "[default: neighbours=100, damping=20]",
        "[default: k=100, sample=1000, weighting=linear, decay=div, idf=0]",
        "[default: k=100, sample=5000, lambda1=",
    ):
        assert shown in text
    assert "…" not in text.replace("NAME[,NAME…]", "").replace("K[,K…]", "")
