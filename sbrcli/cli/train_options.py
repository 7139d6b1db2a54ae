"""The options of `sbr train`, each with TrainConfig's default in its help."""

from typing import Annotated, Any, Literal, get_origin, get_type_hints

import typer

from sbrcli.cli.completion import complete_choices, complete_runs, complete_words
from sbrcli.cli.gathered import takes_options
from sbrcli.config.presets import PRESETS, SHORT_SESSIONS
from sbrcli.config.training import AUTO_N_SAMPLE, FULL_UP_TO_ITEMS, TrainConfig
from sbrcli.errors import ConfigError

DEFAULTS = TrainConfig()
_TYPES = get_type_hints(TrainConfig)
NETWORK, FITTING, NEGATIVES = "Network", "Fitting", "Negatives"


def _option(name: str, text: str, panel: str, **settings: Any) -> Any:
    """Make an option whose default is TrainConfig's, unless a preset or the user says otherwise."""
    default = getattr(DEFAULTS, name.replace("-", "_"))
    shown = ",".join(map(str, default)) if isinstance(default, tuple) else str(default)
    if (short := SHORT_SESSIONS.get(name.replace("-", "_"))) is not None:
        shown += f"; short sessions: {short}"
    settings.setdefault("metavar", "N" if isinstance(default, int) else "X")
    kind = _TYPES[name.replace("-", "_")]
    if get_origin(kind) is Literal:
        settings.setdefault("autocompletion", complete_choices(kind))
    return typer.Option(
        f"--{name}", help=f"{text} \\[default: {shown}]", rich_help_panel=panel, **settings
    )


Layers = Annotated[
    int | None, _option("layers", "GRU layers; else as many as --hsz has numbers.", NETWORK)
]
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
    str | None,
    _option(
        "optimizer",
        "What moves the weights.",
        FITTING,
        metavar="adagrad|adam",
    ),
]
LearningRate = Annotated[
    float | None,
    _option(
        "learning-rate",
        "Initial learning rate; see --schedule. With adam the default is 0.002.",
        FITTING,
    ),
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
        "What is minimised: cross-entropy, bpr-max, top1-max, bpr or top1.",
        FITTING,
        metavar="NAME",
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
    int | None, _option("patience", "Stop after N epochs without a better one; 0 never.", FITTING)
]
MonitorName = Annotated[
    str | None,
    _option(
        "monitor",
        "Validation metric that selects the best epoch.",
        FITTING,
        metavar="mrr@20|recall@20|ndcg@20",
    ),
]
Shuffle = Annotated[
    bool | None,
    typer.Option(
        "--shuffle",
        help="Take sessions in a new random order each epoch, not by the time of their start.",
        rich_help_panel=FITTING,
    ),
]
Epochs = Annotated[int | None, _option("epochs", "Times through the train split.", FITTING)]
Refit = Annotated[
    bool | None,
    typer.Option(
        "--refit",
        help="Then retrain from scratch on train + valid for the best number of epochs.",
        rich_help_panel=FITTING,
    ),
]
Threads = Annotated[
    int | None, _option("threads", "Processor threads; 0 takes all cores.", FITTING)
]
DeviceName = Annotated[
    str | None,
    _option(
        "device",
        "Where to train.",
        FITTING,
        metavar="auto|cpu|gpu",
    ),
]
PrecisionName = Annotated[
    str | None,
    _option(
        "precision",
        "Of the output layer's products; auto: bfloat16 where the processor has it.",
        FITTING,
        metavar="auto|float32|bfloat16",
    ),
]
Seed = Annotated[int | None, _option("seed", "Same seed, machine, threads: same result.", FITTING)]
Preset = Annotated[
    str | None,
    typer.Option(
        "--preset",
        metavar="NAME",
        autocompletion=complete_words(PRESETS),
        help=f"Begin from named options ({', '.join(PRESETS)}); those you give go before them.",
    ),
]
Name = Annotated[
    str | None,
    typer.Option(
        "--name",
        metavar="NAME",
        help="The run's name. \\[default: of the dataset, the layers and the options that differ]",
        autocompletion=complete_runs,
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
From = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="RUN",
        help="Begin at the weights of a complete run, with its options unless others are given.",
        autocompletion=complete_runs,
    ),
]
Finish = Annotated[
    str | None,
    typer.Option(
        "--finish",
        metavar="RUN",
        autocompletion=complete_runs,
        help="Complete an interrupted run with its best epoch so far; train nothing.",
    ),
]
CheckpointMinutes = Annotated[
    float,
    typer.Option(
        "--checkpoint-minutes",
        metavar="X",
        help="Within an epoch, save the place this often; --resume goes on from there.",
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Print the plan and parameter count; train nothing.")
]

_KINDS = {
    "layers": Layers,
    "hsz": Hsz,
    "embedding": Embedding,
    "dropout": Dropout,
    "embedding_dropout": EmbeddingDropout,
    "optimizer": OptimizerName,
    "learning_rate": LearningRate,
    "momentum": Momentum,
    "batch_size": BatchSize,
    "bptt": Bptt,
    "loss": Loss,
    "n_sample": NSample,
    "sample_alpha": SampleAlpha,
    "logq": Logq,
    "bpreg": Bpreg,
    "elu": Elu,
    "label_smoothing": LabelSmoothing,
    "schedule": ScheduleName,
    "clip_norm": ClipNorm,
    "epochs": Epochs,
    "patience": Patience,
    "monitor": MonitorName,
    "shuffle": Shuffle,
    "refit": Refit,
    "threads": Threads,
    "device": DeviceName,
    "precision": PrecisionName,
    "seed": Seed,
}


def _gather(values: dict[str, Any]) -> dict[str, Any]:
    """Return TrainConfig's values, None where the user said nothing."""
    return values | {
        "hsz": _parse_sizes(values["hsz"]),
        "n_sample": _parse_count("n-sample", values["n_sample"]),
    }


def _parse_count(name: str, text: str | None) -> int | str | None:
    if text in (None, "auto"):
        return text
    try:
        return int(text)
    except ValueError as error:
        raise ConfigError(f"{name} must be auto or a whole number. Received: {text}") from error


def _parse_sizes(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise ConfigError(
            f"hsz must be a whole number, or one for each layer with commas between. "
            f"Received: {text}"
        ) from error


takes_training_options = takes_options(
    "given", {name: (kind, None) for name, kind in _KINDS.items()}, _gather
)
"""Add these options to a subcommand's function, which takes their values as `given`."""
