"""`sbr train`: fit a GRU4Rec to a dataset."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sbrcli.cli.options import DatasetName, Invocation, subcommand
from sbrcli.cli.output import Advance, Output, Table
from sbrcli.config import (
    AUTO_N_SAMPLE,
    FULL_UP_TO_ITEMS,
    OPTIMIZER_DEFAULTS,
    PRESETS,
    TrainConfig,
)
from sbrcli.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from sbrcli.models.gru4rec.training import Training

DEFAULTS = TrainConfig()
NETWORK, FITTING, NEGATIVES = "Network", "Fitting", "Negatives"


def _option(name: str, text: str, panel: str, **settings: Any) -> Any:
    """Make an option whose default is TrainConfig's, unless a preset or the user says otherwise."""
    default = getattr(DEFAULTS, name.replace("-", "_"))
    shown = ",".join(map(str, default)) if isinstance(default, tuple) else str(default)
    settings.setdefault("metavar", "N" if isinstance(default, int) else "X")
    return typer.Option(
        f"--{name}", help=f"{text} \\[default: {shown}]", rich_help_panel=panel, **settings
    )


Layers = Annotated[int | None, _option("layers", "GRU layers.", NETWORK)]
Hsz = Annotated[
    str | None,
    _option("hsz", "Units of each layer: one number, or one a layer.", NETWORK, metavar="N[,N…]"),
]
Embedding = Annotated[
    str | None,
    _option(
        "embedding",
        "How an item enters: none (one-hot), separate (a table), shared (the output's table).",
        NETWORK,
        metavar="none|separate|shared",
    ),
]
Dropout = Annotated[
    float | None, _option("dropout", "Share of each layer's output dropped.", NETWORK)
]
EmbeddingDropout = Annotated[
    float | None, _option("embedding-dropout", "Share of the input's embedding dropped.", NETWORK)
]
OptimizerName = Annotated[
    str | None, _option("optimizer", "What moves the weights.", FITTING, metavar="adagrad|adam")
]
LearningRate = Annotated[
    float | None,
    _option("learning-rate", "Constant; nothing decays. With adam the default is 0.002.", FITTING),
]
Momentum = Annotated[
    float | None, _option("momentum", "Share of the last update kept, with adagrad.", FITTING)
]
BatchSize = Annotated[int | None, _option("batch-size", "Sessions trained side by side.", FITTING)]
Bptt = Annotated[
    int | None, _option("bptt", "Steps that gradients run through, one update each.", FITTING)
]
Loss = Annotated[
    str | None,
    _option(
        "loss",
        "What is minimised.",
        FITTING,
        metavar="cross-entropy|bpr-max|top1-max|bpr|top1",
    ),
]
NSample = Annotated[
    str | None,
    typer.Option(
        "--n-sample",
        metavar="auto|N",
        help=f"Negatives drawn for each chunk beside its own targets; 0 takes all items; auto "
        f"takes all up to {FULL_UP_TO_ITEMS:,} items, else {AUTO_N_SAMPLE:,}. \\[default: auto]",
        rich_help_panel=NEGATIVES,
    ),
]
SampleAlpha = Annotated[
    float | None, _option("sample-alpha", "Draw by count to this power.", NEGATIVES)
]
Logq = Annotated[
    float | None,
    _option("logq", "Cross-entropy: how far to correct scores for the drawing.", NEGATIVES),
]
Bpreg = Annotated[
    float | None, _option("bpreg", "bpr-max: weight of the negatives' squared scores.", FITTING)
]
Elu = Annotated[
    float | None,
    _option("elu", "Ranking losses: no score falls below minus this; 0 leaves them.", FITTING),
]
LabelSmoothing = Annotated[
    float | None,
    _option("label-smoothing", "Cross-entropy: share of the target spread over all.", FITTING),
]
ScheduleName = Annotated[
    str | None,
    _option(
        "schedule",
        "How the learning rate falls to 0 by the last epoch.",
        FITTING,
        metavar="constant|linear|cosine",
    ),
]
ClipNorm = Annotated[
    float | None, _option("clip-norm", "Scale gradients down to this norm; 0 never.", FITTING)
]
Patience = Annotated[
    int | None, _option("patience", "Stop after so many epochs without a better; 0 never.", FITTING)
]
MonitorName = Annotated[
    str | None,
    _option(
        "monitor", "What the best epoch is best in.", FITTING, metavar="mrr@20|recall@20|ndcg@20"
    ),
]
Shuffle = Annotated[
    bool,
    typer.Option(
        "--shuffle",
        help="Take sessions in a new random order each epoch, not by the time of their start.",
        rich_help_panel=FITTING,
    ),
]
Epochs = Annotated[int | None, _option("epochs", "Times through the train split.", FITTING)]
Seed = Annotated[int | None, _option("seed", "Same seed, machine, threads: same result.", FITTING)]
Preset = Annotated[
    str | None,
    typer.Option(
        "--preset",
        metavar="NAME",
        help=f"Begin from named options ({', '.join(PRESETS)}); those you give go before them.",
    ),
]
Name = Annotated[
    str | None,
    typer.Option(
        "--name",
        metavar="NAME",
        help="The run's name. \\[default: of the dataset, layers and units]",
    ),
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace a run that has the same name.")
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume", help="Go on with the run that was interrupted last, or the one of --name."
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Print the plan and parameter count; train nothing.")
]


def register(app: typer.Typer) -> None:
    """Add `train` to the application."""
    subcommand(app, example="sbr train --layers 2 --hsz 50")(train)


def train(
    invocation: Invocation,
    dataset: DatasetName = None,
    layers: Layers = None,
    hsz: Hsz = None,
    embedding: Embedding = None,
    dropout: Dropout = None,
    embedding_dropout: EmbeddingDropout = None,
    optimizer: OptimizerName = None,
    learning_rate: LearningRate = None,
    momentum: Momentum = None,
    batch_size: BatchSize = None,
    bptt: Bptt = None,
    loss: Loss = None,
    n_sample: NSample = None,
    sample_alpha: SampleAlpha = None,
    logq: Logq = None,
    bpreg: Bpreg = None,
    elu: Elu = None,
    label_smoothing: LabelSmoothing = None,
    schedule: ScheduleName = None,
    clip_norm: ClipNorm = None,
    epochs: Epochs = None,
    patience: Patience = None,
    monitor: MonitorName = None,
    shuffle: Shuffle = False,
    seed: Seed = None,
    preset: Preset = None,
    name: Name = None,
    overwrite: Overwrite = False,
    resume: Resume = False,
    dry_run: DryRun = False,
) -> None:
    """Fit a GRU4Rec to a dataset, with validation after each epoch; the best epoch is kept.

    The run can evaluate and recommend as soon as it is complete.
    """
    from sbrcli.evaluation.validation import validate
    from sbrcli.models.gru4rec.training import assign, find_interrupted, plan_training, train

    given = {
        "layers": layers,
        "hsz": None if hsz is None else _parse_sizes(hsz),
        "embedding": embedding,
        "dropout": dropout,
        "embedding_dropout": embedding_dropout,
        "optimizer": optimizer,
        "learning_rate": learning_rate,
        "momentum": momentum,
        "batch_size": batch_size,
        "bptt": bptt,
        "loss": loss,
        "n_sample": None if n_sample in (None, "auto") else _parse_count("n-sample", n_sample),
        "sample_alpha": sample_alpha,
        "logq": logq,
        "bpreg": bpreg,
        "elu": elu,
        "label_smoothing": label_smoothing,
        "schedule": schedule,
        "clip_norm": clip_norm,
        "epochs": epochs,
        "patience": patience,
        "monitor": monitor,
        "shuffle": shuffle or None,
        "seed": seed,
    }
    workspace, output = invocation.workspace, invocation.output
    config = _configure(given, preset)
    if resume:
        _check_alone([*given.values(), preset, dataset], overwrite=overwrite)
        assignment = find_interrupted(workspace, name)
    else:
        assignment = assign(workspace, dataset, config, name)
    if dry_run:
        output.show(plan_training(assignment), _plan_tables)
        return
    with _Bars(output) as bars:
        result = train(
            workspace, assignment, validate, bars.watch, overwrite=overwrite, resume=resume
        )
    if result.already_there:
        output.note(f"run {result.run} is there already, trained with the same options")
    output.show(result, _epoch_tables)


def _configure(given: dict[str, Any], preset: str | None) -> TrainConfig:
    if preset is not None and preset not in PRESETS:
        raise ConfigError(f"preset must be one of {', '.join(PRESETS)}. Received: {preset}")
    said = {name: value for name, value in given.items() if value is not None}
    chosen = (PRESETS[preset] if preset else {}) | said
    # An unknown optimizer has no defaults; TrainConfig refuses it.
    return TrainConfig(**OPTIMIZER_DEFAULTS.get(chosen.get("optimizer", ""), {}) | chosen)


def _parse_count(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise ConfigError(f"{name} must be auto or a whole number. Received: {text}") from error


def _parse_sizes(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise ConfigError(
            f"hsz must be a whole number, or one for each layer with commas between. "
            f"Received: {text}"
        ) from error


def _check_alone(options: list[Any], *, overwrite: bool) -> None:
    if overwrite or any(option is not None for option in options):
        raise UsageError(
            "--resume takes the interrupted run's own options and no others but --name",
            hint="leave the other options out, or train anew under another --name",
        )


class _Bars:
    """A bar for each epoch, as the training tells how it goes."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._stack = ExitStack()
        self._advance: Advance = lambda _done, **_figures: None

    def __enter__(self) -> "_Bars":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def watch(self, what: str, count: int, figures: dict[str, Any]) -> None:
        """Show what training tells."""
        if what == "pairs":
            self._advance(count, **figures)
            return
        self._stack.close()
        if what == "epoch":
            title = f"epoch {figures['epoch']}/{figures['epochs']}"
            self._advance = self._stack.enter_context(self._output.progress(count, "events", title))


def _plan_tables(training: "Training") -> Iterator[Table]:
    rows = [["dataset", training.dataset], ["parameters", training.parameters]]
    rows += [[name.replace("_", " "), _plain(value)] for name, value in training.plan.items()]
    yield Table("What would be trained", ("option", "value"), rows)


def _epoch_tables(training: "Training") -> Iterator[Table]:
    figures = ("epoch", "loss", "recall@20", "mrr@20", "seconds", "events_per_second")
    rows = []
    for epoch in training.epochs:
        is_best = epoch["epoch"] == training.best_epoch
        rows.append([*(epoch[name] for name in figures), "*" if is_best else ""])
    title = f"Run {training.run}: {training.parameters:,} parameters, on dataset {training.dataset}"
    yield Table(title, (*figures, "best"), rows)


def _plain(value: Any) -> Any:
    return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else value
