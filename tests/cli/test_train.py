"""What `sbr train` says, word by word, and what it leaves behind."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sbrcli.artefacts.workspace import Workspace
from sbrcli.cli import train as command
from sbrcli.workflow import training_estimate
from tests.chains import make_workspace
from tests.cli.small_run import NAME, RUN, SMALL, manifest, weights
from tests.conftest import Said

PLAN = """\
What would be trained

  option                 value
 ──────────────────────────────────────
  dataset                user
  parameters             64,640
  name                   user-1x100
  model                  gru4rec
  layers                 1
  hsz                    100
  dropout                0.3
  embedding dropout      0.3
  embedding              shared
  residual               no
  repeats                off
  loss                   cross-entropy
  n sample               0
  sample alpha           0.5
  logq                   1.0
  bpreg                  1.0
  elu                    0.0
  label smoothing        0.0
  optimizer              adagrad
  learning rate          0.1
  schedule               constant
  clip norm              0.0
  momentum               0.3
  average weights        0.0
  batch size             64
  bptt                   8
  epochs                 8
  patience               0
  monitor                mrr@20
  refit                  no
  since                  -
  last days              -
  shuffle                no
  seed                   1
  threads                0
  device                 auto
  precision              auto
  negatives              all 40 items
  session length         7.8, short
  train events           318
  train sessions         41
  next items per epoch   277

What it takes

  resource   value
 ──────────────────────────────────────────────────────
  memory     about 897.3 MB of 16.0 GB
  disk       about 2.9 MB; 50.0 GB free
  time       not measured; --measure times a few steps
"""
TABLE = """\
Run run: 320 parameters, on dataset user

  epoch     loss   recall@20   mrr@20   seconds   events_per_second   best
 ──────────────────────────────────────────────────────────────────────────
"""
ROW = "{:>7} {:>8} {:>11} {:>8} {:>9} {:>19}   {}"
TIMES = (
    "seconds",
    "start_seconds",
    "epoch_seconds",
    "validation_seconds",
    "events_per_second",
)
CELLS = ("loss", "recall@20", "mrr@20", "seconds", "speed", "stars")


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path) -> Workspace:
    return make_workspace(tmp_path / "sbr-work")


def shown(text: str) -> str:
    """Give a table without its trailing spaces and empty lines at its ends."""
    return "".join(line.rstrip() + "\n" for line in text.rstrip().splitlines())


@pytest.fixture
def machine(monkeypatch) -> None:
    """Have a machine of 16 GB with 50 GB free on its disk."""
    monkeypatch.setattr(training_estimate, "physical_memory", lambda: 16 * 10**9)
    monkeypatch.setattr(training_estimate, "free_bytes", lambda _: 50 * 10**9)


@pytest.mark.usefixtures("machine")
def test_a_dry_run_shows_the_plan_and_trains_nothing(sbr):
    said = sbr("train", "--dry-run", terminal=True)
    assert (said.code, said.stderr) == (0, "")
    assert shown(said.stdout) == PLAN
    assert not RUN.parent.exists()


def test_a_dry_run_gives_trains_document_with_no_run_and_no_epochs(sbr):
    said = sbr("train", "--dry-run", "--json")
    document = json.loads(said.stdout)
    assert (document["run"], document["epochs"], document["best_epoch"]) == (None, [], None)
    assert document["parameters"] == 40 * 100 + 40 + 2 * 100 * 300 + 2 * 300
    assert document["plan"]["learning_rate"] == 0.1


def test_a_dry_run_estimates_memory_and_disk_and_no_time(sbr, monkeypatch):
    monkeypatch.setattr(training_estimate, "free_bytes", lambda _: None)
    estimate = json.loads(sbr("train", "--dry-run", "--json").stdout)["estimate"]
    # Weights, and two checkpoints of the weights and both slots of each; small files beside them.
    assert estimate["disk_bytes"] == pytest.approx(64_640 * 4 * (1 + 2 * 3), abs=1.2 * 2**20)
    assert estimate["memory_bytes"] > 850 * 2**20
    assert estimate["disk_free_bytes"] is None
    assert [estimate[name] for name in TIMES] == [None] * 5


def test_a_measured_dry_run_estimates_the_time_of_all_epochs_and_writes_nothing(sbr):
    said = sbr("train", "--dry-run", "--measure", "--json", *SMALL)
    estimate = json.loads(said.stdout)["estimate"]
    whole, start, epoch, validation, speed = (estimate[name] for name in TIMES)
    assert whole == pytest.approx(start + 2 * (epoch + validation))
    assert speed == pytest.approx(277 / epoch)
    assert min(start, epoch, validation) > 0
    assert not RUN.parent.exists()


def test_a_measured_refit_counts_its_epochs_too(sbr):
    said = sbr("train", "--dry-run", "--measure", "--refit", "--json", *SMALL)
    document = json.loads(said.stdout)
    estimate, plan = document["estimate"], document["plan"]
    whole, start, epoch, validation, _ = (estimate[name] for name in TIMES)
    longer = (plan["refit_events"] - plan["refit_sessions"]) / 277
    assert whole == pytest.approx(start + 2 * (epoch + validation) + 2 * epoch * longer)


def test_a_measured_dry_run_writes_the_times(sbr):
    rows = dict(line.split("\t") for line in sbr("train", "--dry-run", "--measure", *SMALL).stdout
                .splitlines() if line.startswith("time"))  # fmt: skip
    assert rows["time"].startswith("about ")
    assert rows["time of an epoch"].endswith("to validate it")


def test_measure_alone_is_refused(sbr):
    said = sbr("train", "--measure")
    assert (said.code, said.stdout) == (2, "")
    assert said.stderr == (
        "error: --measure goes with --dry-run\nhint: sbr train --dry-run --measure\n"
    )


@pytest.mark.parametrize("more", [[], ["--dry-run"]])
def test_a_run_that_the_disk_cannot_hold_is_refused(sbr, monkeypatch, more: list[str]):
    monkeypatch.setattr(training_estimate, "free_bytes", lambda _: 1_000)
    said = sbr("train", *SMALL, *NAME, *more)
    assert (said.code, said.stdout) == (4, "")
    assert said.stderr == (
        "error: run run takes 0.0 GB while it is trained; the disk of sbr-work has 0.0 GB left\n"
        "hint: delete runs with sbr runs rm, or name another disk with --workdir\n"
    )
    assert not RUN.exists()


def test_a_dry_run_waits_for_no_tensorflow():
    program = (
        "import sys; from sbrcli.cli.app import run; code = run(['train', '--dry-run']); "
        "sys.exit(code or 'tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    root = Path(command.__file__).parents[2]
    environment = os.environ | {"PYTHONPATH": str(root)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, check=False)
    assert done.returncode == 0


def test_a_preset_is_what_the_notebook_had_and_explicit_options_go_before_it(sbr):
    def plan(*options: object) -> dict:
        said = sbr("train", "--preset", "notebook", "--dry-run", "--json", *options)
        return json.loads(said.stdout)["plan"]

    notebook = plan()
    assert notebook["hsz"] == [50]
    assert notebook["embedding"] == "none"
    assert (notebook["optimizer"], notebook["learning_rate"], notebook["momentum"]) == (
        "adam",
        0.001,
        0.0,
    )
    assert (notebook["batch_size"], notebook["bptt"], notebook["epochs"]) == (64, 1, 3)
    assert (notebook["dropout"], notebook["embedding_dropout"]) == (0.1, 0.0)
    mine = {"hsz": [30], "layers": 2, "epochs": 5, "learning_rate": 0.5, "dropout": 0.0}
    options = (f"--{name.replace('_', '-')}" for name in mine)
    values = (30, 2, 5, 0.5, 0.0)
    words = [word for pair in zip(options, values, strict=True) for word in pair]
    changed = plan(*words)
    for name in notebook.keys() - {"name"}:
        assert changed[name] == mine.get(name, notebook[name]), name


def test_adam_brings_its_own_learning_rate_and_no_momentum(sbr):
    said = sbr("train", "--optimizer", "adam", "--dry-run", "--json")
    plan = json.loads(said.stdout)["plan"]
    assert (plan["learning_rate"], plan["momentum"]) == (0.002, 0.0)


def test_a_training_prints_a_table_of_its_epochs_and_marks_the_best(sbr):
    said = sbr("train", *SMALL, *NAME, terminal=True)
    assert said.code == 0
    cells = {"stars": ["*" if n == manifest()["best_epoch"] else "" for n in (1, 2)]}
    for name in ("loss", "recall@20", "mrr@20"):
        cells[name] = [f"{epoch[name]:.4f}" for epoch in manifest()["epochs"]]
    cells["seconds"] = [f"{epoch['seconds']:.1f}" for epoch in manifest()["epochs"]]
    cells["speed"] = [f"{epoch['events_per_second']:,.0f}" for epoch in manifest()["epochs"]]
    rows = zip(*(cells[n] for n in CELLS), strict=True)
    filled = (ROW.format(number, *row).rstrip() for number, row in enumerate(rows, 1))
    assert shown(said.stdout) == TABLE + "".join(f"{row}\n" for row in filled)


def test_a_pipe_gets_tab_separated_values_and_json_one_document(sbr):
    said = sbr("train", *SMALL, *NAME)
    assert said.code == 0
    header, *rows = said.stdout.splitlines()
    assert header == "epoch\tloss\trecall@20\tmrr@20\tseconds\tevents_per_second\tbest"
    epochs = manifest()["epochs"]
    assert [row.split("\t")[:4] for row in rows] == [
        [str(epoch[name]) for name in ("epoch", "loss", "recall@20", "mrr@20")] for epoch in epochs
    ]

    again = sbr("train", *SMALL, *NAME, "--json")
    assert again.stderr == "run run already exists, trained with the same options\n"
    document = json.loads(again.stdout)
    assert document["run"] == "run"
    assert document["parameters"] == 320
    assert document["best_epoch"] == manifest()["best_epoch"]
    assert document["epochs"] == epochs
    keys = {"epoch", "loss", "seconds", "events_per_second", "recall@20", "mrr@20", "ndcg@20"}
    assert all(epoch.keys() == keys for epoch in epochs)


def test_without_a_valid_split_metrics_are_null_and_the_last_epoch_is_the_best(sbr, tmp_path):
    make_workspace(tmp_path / "other", valid_days=0)
    document = json.loads(sbr("-w", "other", "train", *SMALL, "--json").stdout)
    assert [(e["recall@20"], e["mrr@20"]) for e in document["epochs"]] == [(None, None)] * 2
    assert document["best_epoch"] == 2


def test_the_same_name_for_other_options_is_refused_and_overwrite_replaces_it(sbr):
    sbr("train", *SMALL, *NAME)
    before = weights()
    other = ("train", *SMALL, *NAME, "--seed", 2)
    refused = sbr(*other)
    assert (refused.code, refused.stdout) == (5, "")
    assert refused.stderr == (
        "error: run run already exists, trained with other options or on other data\n"
        "hint: --overwrite replaces it, --name gives this one another name\n"
    )
    assert weights() == before
    assert sbr(*other, "--overwrite").code == 0
    assert weights() != before
    assert manifest()["config"]["seed"] == 2
    assert not list(Path("sbr-work", ".replaced").iterdir())


def test_a_run_from_before_an_option_was_there_is_the_same_run(sbr):
    sbr("train", *SMALL, *NAME)
    config = {name: value for name, value in manifest()["config"].items() if name != "refit"}
    (RUN / "manifest.json").write_text(json.dumps(manifest() | {"config": config}))
    said = sbr("train", *SMALL, *NAME)
    assert said.stderr == "run run already exists, trained with the same options\n"
    assert sbr("train", *SMALL, *NAME, "--refit").code == 5


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (
            ["--hsz", "4,,5"],
            2,
            "error: hsz must be a whole number, or one for each layer with commas between. "
            "Received: 4,,5\n",
        ),
        (
            ["--n-sample", "many"],
            2,
            "error: n-sample must be auto or a whole number. Received: many\n",
        ),
        (
            ["--layers", "3", "--hsz", "4,5"],
            2,
            "error: hsz must be one number for all layers, or one for each. Received: "
            "--layers 3 --hsz 4,5\n",
        ),
        (
            ["--preset", "x"],
            2,
            "error: preset must be one of notebook, best, rsc15, yoochoose, rees46, coveo, "
            "retailrocket, diginetica. Received: x\n",
        ),
        (
            ["--optimizer", "sgd"],
            2,
            "error: optimizer must be one of adagrad, adam. Received: sgd\n",
        ),
        (
            ["--embedding", "x"],
            2,
            "error: embedding must be one of none, separate, shared. Received: x\n",
        ),
        (
            ["--epochs", "0"],
            4,
            "error: epochs must be at least 1. Received: 0\n",
        ),
        (
            ["--epochs", "x"],
            2,
            "error: Invalid value for '--epochs': 'x' is not a valid int.\n"
            "hint: run sbr train --help for usage\n",
        ),
        (
            ["--learning-rate", "nan"],
            4,
            "error: learning-rate must be a number above 0. Received: nan\n",
        ),
        (
            ["--name", "a/b"],
            4,
            "error: a run's name must be 1 to 120 printable characters, without / \\ : * ? \" <"
            " > | and not begin with a dot or a dash. Received: 'a/b'\n",
        ),
        (
            ["--checkpoint-minutes", "0"],
            4,
            "error: checkpoint-minutes must be a number above 0. Received: 0.0\n",
        ),
        (
            ["--resume", "--epochs", "3"],
            2,
            "error: --resume takes the interrupted run's own options and no others but --name, "
            "--checkpoint-minutes, --workers and --max-restarts\n"
            "hint: leave the other options out, or train under another --name\n",
        ),
        (
            ["--resume", "--overwrite"],
            2,
            "error: --resume takes the interrupted run's own options and no others but --name, "
            "--checkpoint-minutes, --workers and --max-restarts\n"
            "hint: leave the other options out, or train under another --name\n",
        ),
    ],
)
def test_a_wrong_option_is_found_before_any_dataset_is_opened(sbr, options, code, said):
    assert sbr("-w", "nowhere", "train", *options) == Said("", said, code)


def test_a_dataset_that_is_not_there_is_reported(sbr):
    said = sbr("-w", "nowhere", "train", "--json")
    assert (said.code, said.stdout) == (5, "")
    assert said.stderr == (
        "error: no dataset in nowhere\nhint: make one with: sbr preprocess LOG\n"
    )
    assert not Path("nowhere").exists()
    assert sbr("train", "--dataset", "x").stderr == (
        "error: no dataset named x in sbr-work\nhint: there are: user\n"
    )


def test_a_damaged_dataset_is_reported_before_tensorflow_meets_it(sbr):
    path = Path("sbr-work/datasets/user/manifest.json")
    whole = json.loads(path.read_text())
    fewer = whole["splits"] | {"train": whole["splits"]["train"] | {"items": 3}}
    lacking = f"{path} is damaged: {{}} is missing"
    again = "make the folder again; --overwrite replaces it"
    anew = "make the dataset again: sbr preprocess LOG --overwrite"
    counted = "items.parquet is damaged: 40 of its items are train's, and the manifest says 3"
    for change, error, hint in (
        ({"splits": None}, lacking.format("splits"), again),
        ({"splits": {}}, lacking.format("splits.valid"), anew),
        ({"splits": {"valid": None}}, lacking.format("splits.train"), anew),
        ({"splits": fewer}, f"{path.parent / counted}", anew),
        ({"fingerprint": None}, lacking.format("fingerprint"), again),
    ):
        document = {k: v for k, v in (whole | change).items() if v is not None}
        path.write_text(json.dumps(document))
        assert sbr("train", *SMALL) == Said("", f"error: {error}\nhint: {hint}\n", 5)


def test_a_default_name_tells_what_is_not_the_default(sbr):
    def name(*options: object) -> str:
        said = sbr("train", "--dry-run", "--json", *options)
        return json.loads(said.stdout)["plan"]["name"]

    assert name() == "user-1x100"
    assert name("--layers", 2, "--hsz", "100,50") == "user-2x100-50"
    assert name("--seed", 2) == "user-1x100-seed2"
    assert len({name("--seed", seed) for seed in range(5)}) == 5
