"""The options of `sbr train`, each with TrainConfig's default in its help."""

from typing import Annotated, Any, Literal, get_origin, get_type_hints

import typer

from sbrcli.cli.completion import complete_choices, complete_runs, complete_words
from sbrcli.cli.gathered import takes_options
from sbrcli.config.presets import PRESETS, SHORT_SESSIONS
from sbrcli.config.training import AUTO_N_SAMPLE, FULL_UP_TO_ITEMS, TrainConfig
from sbrcli.errors import OptionError

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
    int | None,
    _option("layers", "Number of GRU layers; by default one per number of --hsz.", NETWORK),
]
Hsz = Annotated[
    str | None,
    _option(
        "hsz",
        "Units per layer: one number for all layers, or one for each.",
        NETWORK,
        metavar="N[,N…]",
    ),
]
Embedding = Annotated[
    str | None,
    _option(
        "embedding",
        "Input embedding: none (one-hot), separate (its own table) or shared (the output's table).",
        NETWORK,
        metavar="none|separate|shared",
    ),
]
Dropout = Annotated[
    float | None, _option("dropout", "Dropout on the output of each layer.", NETWORK)
]
EmbeddingDropout = Annotated[
    float | None, _option("embedding-dropout", "Dropout on the input embedding.", NETWORK)
]
OptimizerName = Annotated[
    str | None,
    _option(
        "optimizer",
        "Optimizer.",
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
Momentum = Annotated[float | None, _option("momentum", "Momentum, with adagrad.", FITTING)]
BatchSize = Annotated[int | None, _option("batch-size", "Sessions trained in parallel.", FITTING)]
Bptt = Annotated[
    int | None,
    _option(
        "bptt",
        "Truncated backpropagation length, in steps; one update per chunk of steps.",
        FITTING,
    ),
]
Loss = Annotated[
    str | None,
    _option(
        "loss",
        "Loss: cross-entropy, bpr-max, top1-max, bpr or top1.",
        FITTING,
        metavar="NAME",
    ),
]
NSample = Annotated[
    str | None,
    typer.Option(
        "--n-sample",
        metavar="auto|N",
        help="Negatives sampled per chunk, in addition to its targets. 0: use all items; auto: "
        f"use all up to {FULL_UP_TO_ITEMS:,} items, else sample {AUTO_N_SAMPLE:,}. \\[default: "
        "auto]",
        rich_help_panel=NEGATIVES,
    ),
]
SampleAlpha = Annotated[
    float | None,
    _option(
        "sample-alpha",
        "Sample negatives in proportion to their count raised to this power.",
        NEGATIVES,
    ),
]
Logq = Annotated[
    float | None,
    _option(
        "logq", "Cross-entropy: strength of the correction for the sampling; 0 is none.", NEGATIVES
    ),
]
Bpreg = Annotated[
    float | None,
    _option("bpreg", "bpr-max: weight of the penalty on the negatives' squared scores.", FITTING),
]
Elu = Annotated[
    float | None,
    _option(
        "elu", "Ranking losses: apply an ELU with this bound to the scores; 0 is off.", FITTING
    ),
]
LabelSmoothing = Annotated[
    float | None,
    _option(
        "label-smoothing",
        "Cross-entropy: share of the target's probability spread over all items.",
        FITTING,
    ),
]
ScheduleName = Annotated[
    str | None,
    _option(
        "schedule",
        "Learning rate schedule; linear and cosine reach 0 in the last epoch.",
        FITTING,
        metavar="constant|linear|cosine",
    ),
]
ClipNorm = Annotated[
    float | None, _option("clip-norm", "Clip gradients to this norm; 0 is off.", FITTING)
]
Patience = Annotated[
    int | None, _option("patience", "Stop after N epochs without improvement; 0 is off.", FITTING)
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
        help="Shuffle the sessions in each epoch instead of ordering them by start time.",
        rich_help_panel=FITTING,
    ),
]
Epochs = Annotated[int | None, _option("epochs", "Number of passes over the train split.", FITTING)]
Refit = Annotated[
    bool | None,
    typer.Option(
        "--refit",
        help="Then retrain from scratch on train + valid for the best number of epochs.",
        rich_help_panel=FITTING,
    ),
]
Threads = Annotated[int | None, _option("threads", "CPU threads; 0 uses all cores.", FITTING)]
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
        "Precision of the output layer's products; auto: bfloat16 if the processor has it.",
        FITTING,
        metavar="auto|float32|bfloat16",
    ),
]
Seed = Annotated[
    int | None,
    _option(
        "seed", "Random seed; the same seed, machine and threads give the same result.", FITTING
    ),
]
Preset = Annotated[
    str | None,
    typer.Option(
        "--preset",
        metavar="NAME",
        autocompletion=complete_words(PRESETS),
        help=f"Named set of options ({', '.join(PRESETS)}); options you pass override it.",
    ),
]
Name = Annotated[
    str | None,
    typer.Option(
        "--name",
        metavar="NAME",
        help="Name of the run. \\[default: from the dataset, the layers and the options that "
        "differ]",
        autocompletion=complete_runs,
    ),
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace an existing run of the same name.")
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume", help="Resume the run that was interrupted last, or the one that --name names."
    ),
]
From = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="RUN",
        help="Start from the weights and options of a complete run; options you pass override "
        "its own.",
        autocompletion=complete_runs,
    ),
]
Finish = Annotated[
    str | None,
    typer.Option(
        "--finish",
        metavar="RUN",
        autocompletion=complete_runs,
        help="Complete an interrupted run with its best epoch so far, without training.",
    ),
]
CheckpointMinutes = Annotated[
    float,
    typer.Option(
        "--checkpoint-minutes",
        metavar="X",
        help="Minutes between two checkpoints within an epoch, from which --resume continues.",
    ),
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run", help="Print the plan and the number of parameters, without training."
    ),
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
        raise OptionError(f"{name} must be auto or a whole number. Received: {text}") from error


def _parse_sizes(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise OptionError(
            f"hsz must be a whole number, or one for each layer with commas between. "
            f"Received: {text}"
        ) from error


takes_training_options = takes_options(
    "given", {name: (kind, None) for name, kind in _KINDS.items()}, _gather
)
"""Add these options to a subcommand's function, which takes their values as `given`."""
