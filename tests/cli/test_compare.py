"""`sbr compare`: what sets runs apart, which figures stand side by side, and which do not."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from sbrcli.artefacts.manifests import write_json
from sbrcli.evaluation.ranks import MISS, Ranks
from sbrcli.evaluation.stored_ranks import write_ranks
from tests.builders import TrainConfig, make_run, make_sessions

WORK = Path("sbr-work")


def write_run(
    name: str,
    *,
    figure: float | None = None,
    way: str = "test",
    dataset: str = "user",
    events: int = 100,
    seconds: float = 10.0,
    valid: float | None = 0.5,
    parent: str | None = None,
    ranks: Sequence[int] = (),
    sessions: int = 9,
    **config: object,
) -> None:
    """Write a run with one epoch, its options, and the figures that `sbr evaluate` would keep.

    It has no ranks, as of an earlier sbr, unless they are given: of each session, alike.
    """
    folder = make_run(WORK, name=name, dataset={"name": dataset, "fingerprint": dataset[:1]})
    manifest = json.loads((folder / "manifest.json").read_text())
    epoch = {"epoch": 1, "seconds": seconds, "mrr@20": valid}
    manifest |= {"config": config, "parameters": 64, "epochs": [epoch], "best_epoch": 1}
    manifest |= {} if parent is None else {"parent": {"run": parent, "weights": "crc32:0"}}
    write_json(folder / "manifest.json", manifest)
    if figure is not None:
        events = sessions * len(ranks) or events
        metrics = {"recall@20": figure, "mrr@20": figure / 2, "ndcg@20": figure}
        protocol = {"events": events, "sessions": sessions, "candidates": 99, "exclude_seen": False}
        protocol |= {"coverage": "every next item of every session"}
        write_json(folder / "evaluation.json", {way: {"metrics": metrics, "protocol": protocol}})
    if ranks:
        split = make_sessions(*[[0] * (len(ranks) + 1)] * sessions)
        positions = np.flatnonzero(split.target_mask)
        flags = np.zeros(len(positions), np.bool_)
        all_ranks = np.array([*ranks] * sessions)
        found = Ranks(positions, all_ranks, flags, flags, np.zeros(len(positions)))
        write_ranks(folder / f"ranks-{way.replace(' ', '-')}.safetensors", found, split)


def runs_of(said) -> list[str]:
    return [row["run"] for row in json.loads(said.stdout)["runs"]]


def test_runs_stand_side_by_side_with_the_options_in_which_they_differ(sbr):
    write_run("a", figure=0.25, layers=1, hsz=[50], dropout=0.1)
    write_run("b", figure=0.5, layers=2, hsz=[50, 30], dropout=0.1)
    said = sbr("compare", "--by", "test")
    assert said.stdout == (
        "run\tlayers\thsz\trecall@20\tmrr@20\tndcg@20\tvalid\tparameters\tseconds\n"
        "b\t2\t50,30\t0.5\t0.25\t0.5\t0.5\t64\t10.0\n"
        "a\t1\t50\t0.25\t0.125\t0.25\t0.5\t64\t10.0\n"
    )
    assert said.stderr == (
        "warning: no ranks are stored for a paired comparison of: b, a (evaluate again: "
        "sbr evaluate --run NAME)\n"
    )
    assert said.code == 0


def shown(said) -> str:
    return "\n".join(line.rstrip() for line in said.stdout.splitlines()) + "\n"


def test_a_person_gets_the_figures_and_the_options_apart_in_80_columns(sbr):
    write_run("a-run-of-a-name-of-some-length", figure=0.25, n_sample=64, hsz=[50, 30], refit=True)
    write_run("b", figure=0.5, learning_rate=0.1, batch_size=64, seconds=1234.56)
    assert shown(sbr("compare", "--by", "mrr", terminal=True)) == (
        "Runs on test, by mrr; figures at k = 20\n"
        "\n"
        "  recall      mrr     ndcg    valid   seconds   parameters\n"
        " ──────────────────────────────────────────────────────────\n"
        "  b\n"
        "  0.5000   0.2500   0.5000   0.5000   1,234.6           64\n"
        "  a-run-of-a-name-of-some-length\n"
        "  0.2500   0.1250   0.2500   0.5000      10.0           64\n"
        "\n"
        "Options that differ\n"
        "\n"
        "  run                              differs in\n"
        " ──────────────────────────────────────────────────────────────────────────────\n"
        "  b                                hsz 100, n-sample auto, learning-rate 0.1,\n"
        "                                   batch-size 64, refit no\n"
        "  a-run-of-a-name-of-some-length   hsz 50,30, n-sample 64, learning-rate 0.07,\n"
        "                                   batch-size 32, refit yes\n"
        "\n"
    )


def test_a_person_sees_runs_of_each_protocol_apart_and_no_options_where_they_are_alike(sbr):
    write_run("a", figure=0.25)
    write_run("b", figure=0.5, events=7)
    write_run("c")
    said = shown(sbr("compare", terminal=True))
    assert [line for line in said.splitlines() if line and line[0].isalpha()] == [
        "Protocol 1: runs on test, by valid; figures at k = 20",
        "Protocol 2: runs on test, by valid; figures at k = 20",
        "Not yet evaluated on test",
        "Protocols",
    ]
    names = [line.split()[0] for line in said.splitlines() if "64" in line.split()]
    assert names == ["a", "b", "c"]
    assert said.partition("Protocols\n\n")[2] == (
        "  protocol   what it is\n"
        " ──────────────────────────────────────────────────────────────────────────────\n"
        "         1   dataset user, events 100, sessions 9, candidates 99, exclude-seen\n"
        "             no, coverage every next item of every session\n"
        "         2   dataset user, events 7, sessions 9, candidates 99, exclude-seen\n"
        "             no, coverage every next item of every session\n"
        "\n"
    )


def test_the_seconds_of_a_refit_count(sbr):
    write_run("a", figure=0.1, seconds=30)
    manifest = json.loads((WORK / "runs/a/manifest.json").read_text())
    refit = {"epochs": [{"epoch": 1, "seconds": 5.0}, {"epoch": 2, "seconds": 7.0}]}
    write_json(WORK / "runs/a/manifest.json", manifest | {"refit": refit})
    row = json.loads(sbr("compare", "--json").stdout)["runs"][0]
    assert row["seconds"] == 30 + 5 + 7


@pytest.mark.parametrize(
    ("sort", "expected"),
    [("mrr", "cab"), ("recall", "cab"), ("seconds", "bca"), ("run", "abc"), ("valid", "abc")],
)
def test_the_order_is_by_what_is_requested(sbr, sort, expected):
    write_run("a", figure=0.2, seconds=30)
    write_run("b", figure=0.1, seconds=10)
    write_run("c", figure=0.3, seconds=20)
    assert runs_of(sbr("compare", "--sort", sort, "--json")) == list(expected)


def test_named_runs_alone_are_compared(sbr):
    for name in "abc":
        write_run(name, figure=0.1)
    assert runs_of(sbr("compare", "c", "a", "--json")) == ["a", "c"]


def test_runs_of_other_protocols_stand_apart_and_this_is_reported(sbr):
    write_run("a", figure=0.1)
    write_run("b", figure=0.9, dataset="gap-3600", events=7)
    write_run("c", figure=0.3)
    said = sbr("compare", "--sort", "test")
    rows = [line.split("\t")[:3] for line in said.stdout.split("\n\n")[0].splitlines()]
    assert rows == [
        ["protocol", "run", "dataset"],
        ["1", "c", "user"],
        ["1", "a", "user"],
        ["2", "b", "gap-3600"],
    ]
    assert said.stdout.split("\n\n")[1] == (
        "protocol\tdataset\tevents\tsessions\tcandidates\texclude_seen\tcoverage\n"
        "1\tuser\t100\t9\t99\tFalse\tevery next item of every session\n"
        "2\tgap-3600\t7\t9\t99\tFalse\tevery next item of every session\n"
    )
    assert said.stderr == (
        "warning: the runs were evaluated by 2 protocols, which differ in dataset, events: their "
        "figures cannot be compared across these\n"
        "warning: no ranks are stored for a paired comparison of: c, a (evaluate again: "
        "sbr evaluate --run NAME)\n"
    )


def test_a_dataset_that_was_made_again_under_its_name_is_another_protocol(sbr):
    write_run("a", figure=0.1)
    write_run("b", figure=0.1)
    manifest = json.loads((WORK / "runs/b/manifest.json").read_text())
    manifest["dataset"]["fingerprint"] = "another"
    write_json(WORK / "runs/b/manifest.json", manifest)
    assert "differ in fingerprint" in sbr("compare").stderr


def test_two_datasets_with_the_same_content_are_one_protocol(sbr):
    write_run("a", figure=0.5, dataset="user", ranks=(1, 2))
    write_run("b", figure=0.25, dataset="users", ranks=(1, 2))
    write_run("c", figure=0.125, dataset="gap", ranks=(1, 2))
    said = sbr("compare", "--json")
    document = json.loads(said.stdout)
    assert [(row["run"], row["protocol"]) for row in document["runs"]] == [
        ("a", 1),
        ("b", 1),
        ("c", 2),
    ]
    assert [task["dataset"] for task in document["protocols"]] == ["user", "gap"]
    assert [one["run"] for one in document["differences"]] == ["b"]
    assert "differ in dataset:" in said.stderr


def test_a_run_that_was_not_evaluated_comes_last_and_this_is_reported(sbr):
    write_run("a")
    write_run("b", figure=0.1)
    said = sbr("compare", "--json")
    rows = json.loads(said.stdout)["runs"]
    assert [row["run"] for row in rows] == ["b", "a"]
    assert rows[1]["protocol"] is None
    assert rows[1]["metrics"] == {"recall@20": None, "mrr@20": None, "ndcg@20": None}
    assert said.stderr == "warning: not yet evaluated: a (sbr evaluate --run NAME)\n"


def test_a_run_that_was_evaluated_at_another_k_has_no_figures_and_this_is_reported(sbr):
    write_run("a", figure=0.1, way="valid")
    said = sbr("compare", "--split", "valid", "-k", 5, "--json")
    row = json.loads(said.stdout)["runs"][0]
    assert row["metrics"] == {"recall@5": None, "mrr@5": None, "ndcg@5": None}
    assert said.stderr == (
        "warning: not yet evaluated at k = 5: a (sbr evaluate --split valid -k 5 --run NAME)\n"
    )


def test_another_split_and_another_way_are_read_apart(sbr):
    write_run("a", figure=0.1, way="valid exclude-seen")
    said = sbr("compare", "--split", "valid", "--exclude-seen", "--json")
    assert json.loads(said.stdout)["runs"][0]["metrics"]["recall@20"] == 0.1
    said = sbr("compare", "--exclude-seen")
    assert said.stderr == (
        "warning: not yet evaluated: a (sbr evaluate --exclude-seen --run NAME)\n"
    )
    said = sbr("compare", "--split", "valid")
    assert said.stderr == (
        "warning: not yet evaluated: a (sbr evaluate --split valid --run NAME)\n"
    )


@pytest.mark.parametrize(
    ("way", "options"),
    [
        ("test exclude-seen", "--exclude-seen"),
        ("valid exclude-seen", "--split valid --exclude-seen"),
    ],
)
def test_what_to_evaluate_is_reported_with_its_options(sbr, way, options):
    write_run("a", figure=0.1, way=way)
    write_run("b")
    said = sbr("compare", *options.split(), "-k", 7)
    assert said.stderr == (
        f"warning: not yet evaluated: b (sbr evaluate {options} --run NAME)\n"
        f"warning: not yet evaluated at k = 7: a (sbr evaluate {options} -k 7 --run NAME)\n"
    )


def test_a_run_of_before_an_option_was_there_has_it_at_its_default(sbr):
    write_run("a", figure=0.1)
    write_run("b", figure=0.1, bptt=TrainConfig().bptt)
    document = json.loads(sbr("compare", "--json").stdout)
    assert [row["config"] for row in document["runs"]] == [{}, {}]


def test_figures_of_a_later_version_are_skipped(sbr):
    write_run("a", figure=0.5)
    path = WORK / "runs" / "a" / "evaluation.json"
    kept = json.loads(path.read_text())
    kept["test"]["metrics"] |= {"map@20": None, "curve": [0.5, 0.25]}
    write_json(path, kept | {"format": 2, "test calibrated": "not figures at all"})
    said = sbr("compare", "--json")
    assert (said.stderr, said.code) == ("", 0)
    metrics = {"recall@20": 0.5, "mrr@20": 0.25, "ndcg@20": 0.5}
    assert json.loads(said.stdout)["runs"][0]["metrics"] == metrics


def test_without_a_run_there_is_nothing_to_compare(sbr):
    said = sbr("compare", "--json")
    assert (said.stdout, said.code) == ("", 5)
    assert said.stderr == "error: no run in sbr-work\nhint: make one with: sbr train\n"


def test_a_run_in_training_is_left_out_unless_it_is_named(sbr):
    write_run("a", figure=0.1)
    write_run("b", figure=0.1)
    manifest = json.loads((WORK / "runs/b/manifest.json").read_text())
    write_json(WORK / "runs/b/manifest.json", manifest | {"status": "training"})
    assert runs_of(sbr("compare", "--json")) == ["a"]
    said = sbr("compare", "b")
    assert (said.stdout, said.code) == ("", 5)
    assert said.stderr == (
        "error: run b is in epoch 1 (interrupted)\nhint: sbr train --resume --name b continues it\n"
    )


def test_an_order_that_there_is_not_is_a_usage_error(sbr):
    assert sbr("compare", "--sort", "beauty").code == 2


def test_a_k_that_is_not_below_the_candidates_is_warned_of(sbr):
    write_run("a", figure=0.1)
    said = sbr("compare", "-k", 99)
    assert said.stderr.splitlines()[0] == (
        "warning: the number of candidates is 99, so recall is 1 by construction at k = "
        "99, whatever the model: choose a K below 99 (sbr evaluate -k)"
    )
    assert "by construction" not in sbr("compare", "-k", 98).stderr


def test_the_best_on_valid_leads_though_another_is_better_on_test(sbr):
    write_run("a", figure=0.2, valid=0.4)
    write_run("b", figure=0.1, valid=0.6)
    document = json.loads(sbr("compare", "--json").stdout)
    assert (document["sort"], [row["run"] for row in document["runs"]]) == ("valid", ["b", "a"])


def test_where_no_run_has_a_valid_figure_the_figures_shown_order_them(sbr):
    write_run("a", figure=0.1, valid=None)
    write_run("b", figure=0.2, valid=None)
    document = json.loads(sbr("compare", "--json").stdout)
    assert (document["sort"], [row["run"] for row in document["runs"]]) == ("mrr", ["b", "a"])


def test_runs_are_compared_with_the_first_in_pairs(sbr):
    # Of 30 sessions alike: mrr@20 is 1, 0.625 = (1 + 1 / 4) / 2 and 0.5 = (1 + 0) / 2.
    write_run("a", figure=0.5, ranks=(1, 1), sessions=30, valid=0.9)
    write_run("b", figure=0.5, ranks=(1, 4), sessions=30, valid=0.8)
    write_run("c", figure=0.5, ranks=(1, MISS), sessions=30, valid=0.7)
    said = sbr("compare", "--json")
    assert said.stderr == ""
    found = json.loads(said.stdout)["differences"]
    assert [(one["protocol"], one["run"]) for one in found] == [(1, "b"), (1, "c")]
    first, second = (one["difference"] for one in found)
    assert (first["model"], first["metric"]) == ("a", "mrr@20")
    assert first["absolute"] == pytest.approx(0.625 - 1)
    assert second["share"] == pytest.approx(0.5 - 1)
    assert second["interval"] == pytest.approx([-0.5, -0.5])
    assert [one["finding"] for one in found] == ["significant at 5 %"] * 2


@pytest.mark.parametrize(
    ("ranks", "sessions", "finding"),
    [
        ((1, 4), 19, "too few sessions"),
        ((1, 1), 20, "not significant"),
        # (199 + 1 / 2) / 200 is 0.25 % less
        ((*[1] * 199, 2), 20, "level: below 1.0 %, which a seed may change"),
        ((*[1] * 195, *[2] * 5), 20, "significant at 5 %"),  # 1.25 % less
    ],
)
def test_what_a_difference_of_two_runs_is_worth(sbr, ranks, sessions, finding):
    write_run("a", figure=0.5, ranks=[1] * len(ranks), sessions=sessions, valid=0.9)
    write_run("b", figure=0.5, ranks=ranks, sessions=sessions)
    (found,) = json.loads(sbr("compare", "--json").stdout)["differences"]
    assert found["finding"] == finding


def test_runs_that_differ_in_their_seed_are_summed_up_and_measure_what_a_seed_moves(sbr):
    for seed, figure in ((1, 0.2), (2, 0.4), (3, 0.6)):
        write_run(f"s{seed}", figure=figure, ranks=(1, 1), sessions=20, valid=figure, seed=seed)
    write_run("other", figure=0.5, ranks=(1, 2), sessions=20, valid=0.9, dropout=0.1, seed=1)
    document = json.loads(sbr("compare", "--json").stdout)
    (group,) = document["seeds"]
    assert (group["protocol"], group["runs"], group["n"]) == (1, ["s3", "s2", "s1"], 3)
    assert group["metrics"]["recall@20"] == pytest.approx({"mean": 0.4, "sd": 0.2})
    assert group["valid_mrr"] == pytest.approx({"mean": 0.4, "sd": 0.2})
    # s3 has 1 / 0.75 of other's mrr@20; a seed moves √2 * 0.1 / 0.2.
    findings = {one["run"]: one["finding"] for one in document["differences"]}
    assert findings["s3"] == "level: below 70.7 %, which a seed may change"


def test_two_runs_of_one_seed_are_no_seeds_of_one_configuration(sbr):
    write_run("a", figure=0.5, seed=1)
    write_run("b", figure=0.5, seed=1)
    assert json.loads(sbr("compare", "--json").stdout)["seeds"] == []


def test_a_run_that_began_from_another_is_no_seed_of_its_configuration(sbr):
    write_run("first", figure=0.5, seed=1)
    write_run("second", figure=0.25, seed=2, parent="first")
    document = json.loads(sbr("compare", "--json").stdout)
    assert document["seeds"] == []
    assert [row["config"] for row in document["runs"]] == [
        {"from": None, "seed": 1},
        {"from": "first", "seed": 2},
    ]
    rows = sbr("compare").stdout.splitlines()
    assert [row.split("\t")[:3] for row in rows[:3]] == [
        ["run", "from", "seed"],
        ["first", "scratch", "1"],
        ["second", "first", "2"],
    ]


def test_runs_with_other_targets_are_not_compared_in_pairs(sbr):
    write_run("a", figure=0.5, ranks=(1, 1), sessions=30, valid=0.9)
    write_run("b", figure=0.5, ranks=(1, 1, 1), sessions=20)
    document = json.loads(sbr("compare", "--json").stdout)
    assert document["differences"] == []


def test_ranks_that_are_damaged_or_not_those_of_the_figures_are_none(sbr):
    for name in "abc":
        write_run(name, figure=0.5, ranks=(1, 1), sessions=20)
    (WORK / "runs/a/ranks-test.safetensors").write_bytes(b"torn")
    path = WORK / "runs/b/evaluation.json"
    path.write_text(path.read_text().replace('"events": 40', '"events": 41'))
    write_run("d", figure=0.5, events=40, sessions=20)
    said = sbr("compare", "a", "c", "d")
    assert said.stderr == (
        "warning: no ranks are stored for a paired comparison of: a, d (evaluate again: "
        "sbr evaluate --run NAME)\n"
    )
    said = sbr("compare", "a", "b", "--json")
    assert json.loads(said.stdout)["differences"] == []


def test_a_person_sees_seeds_and_differences_in_tables_of_their_own(sbr):
    write_run("a", figure=0.5, ranks=(1, 1), sessions=30, valid=0.9, seed=1)
    write_run("b", figure=0.25, ranks=(1, 4), sessions=30, valid=0.8, seed=2)
    said = shown(sbr("compare", terminal=True))
    titles = [line for line in said.splitlines() if line and line[0].isalpha()]
    assert titles == [
        "Runs on test, by valid; figures at k = 20",
        "Options that differ",
        "Seeds of one configuration: mean and deviation on test and valid",
        "Difference to a, as a share of its mrr@20",
    ]
    assert "significant at 5 %" in said


def test_json_and_a_format_at_once_are_refused(sbr):
    said = sbr("compare", "--json", "--format", "csv")
    assert (said.stdout, said.code) == ("", 2)
    assert said.stderr == (
        "error: --format cannot be combined with --json\nhint: omit one of them\n"
    )


def test_a_table_for_a_paper_has_all_digits(sbr):
    write_run("a_1", figure=0.1234567890123, hsz=[50, 30])
    write_run("b", figure=0.5, valid=None)
    assert sbr("compare", "--format", "csv").stdout == (
        "run,hsz,recall@20,mrr@20,ndcg@20,valid,parameters,seconds\n"
        'a_1,"50,30",0.1234567890123,0.06172839450615,0.1234567890123,0.5,64,10.0\n'
        "b,100,0.5,0.25,0.5,,64,10.0\n"
    )
    assert sbr("compare", "a_1", "--format", "md").stdout == (
        "**Runs on test, by valid**\n\n"
        "| run | recall@20 | mrr@20 | ndcg@20 | valid | parameters | seconds |\n"
        "|---|---:|---:|---:|---:|---:|---:|\n"
        "| a\\_1 | 0.1234567890123 | 0.06172839450615 | 0.1234567890123 | 0.5 | 64 | 10.0 |\n"
    )
    assert sbr("compare", "a_1", "--format", "latex").stdout == (
        "% Runs on test, by valid\n"
        "\\begin{tabular}{lrrrrrr}\n"
        "run & recall@20 & mrr@20 & ndcg@20 & valid & parameters & seconds \\\\\n"
        "\\hline\n"
        "a\\_1 & 0.1234567890123 & 0.06172839450615 & 0.1234567890123 & 0.5 & 64 & 10.0 \\\\\n"
        "\\end{tabular}\n"
    )
