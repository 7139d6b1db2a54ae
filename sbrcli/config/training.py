"""Every option's default and its bounds, one frozen dataclass per stage after `sbr preprocess`."""

import math
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from sbrcli.config.baselines import BaselineName
from sbrcli.config.checks import (
    require,
    require_at_least,
    require_at_most,
    require_fraction,
    require_option,
)

Embedding = Literal["none", "separate", "shared"]
Optimizer = Literal["adagrad", "adam"]
Loss = Literal["cross-entropy", "bpr-max", "top1-max", "bpr", "top1"]
Schedule = Literal["constant", "linear", "cosine"]
Device = Literal["auto", "cpu", "gpu"]
Precision = Literal["auto", "float32", "bfloat16"]
Monitor = Literal["mrr@20", "recall@20", "ndcg@20"]


_CHOICES: dict[str, Any] = {
    "embedding": Embedding,
    "loss": Loss,
    "optimizer": Optimizer,
    "schedule": Schedule,
    "monitor": Monitor,
    "device": Device,
    "precision": Precision,
}

# Beyond these a typing error is likelier than a purpose, and the next step would be out of memory.
_MOST = {
    "layers": 50,
    "batch_size": 65_536,
    "bptt": 10_000,
    "epochs": 1_000_000,
    "threads": 1_024,
    "sample_alpha": 10,
}

FULL_UP_TO_ITEMS = 10_000
AUTO_N_SAMPLE = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """How `sbr train` fits the model; saved whole in the run's manifest."""

    layers: int = 1
    hsz: tuple[int, ...] = (100,)
    """Units of each layer; a single number serves for every layer."""

    dropout: float = 0.2
    """Share of each layer's output that is dropped in training."""

    embedding_dropout: float = 0.1
    """Share of the input's embedding that is dropped in training."""

    embedding: Embedding = "shared"
    """How an item enters: one-hot, by a table of its own, or by the output layer's table."""

    loss: Loss = "cross-entropy"
    n_sample: int | None = None
    """Negatives drawn for each chunk, beside its own targets; 0 takes all items, None decides by
    the number of items (see `negatives`)."""

    sample_alpha: float = 0.5
    """Negatives are drawn with probability proportional to their count to this power."""

    logq: float = 1.0
    """With cross-entropy over drawn negatives: how far scores are corrected for the drawing."""

    bpreg: float = 1.0
    """With bpr-max: the weight of the negatives' squared scores."""

    elu: float = 0.0
    """With the ranking losses: let no score fall below minus this; 0 leaves scores as they are."""

    label_smoothing: float = 0.0

    optimizer: Optimizer = "adagrad"
    learning_rate: float = 0.07
    schedule: Schedule = "constant"
    """How the learning rate falls to 0 by the last epoch; constant does not."""

    clip_norm: float = 0.0
    """Scale a step's gradients down to this norm, all weights taken together; 0 never does."""

    momentum: float = 0.3
    """With adagrad: the share of the last update that is added to the next."""

    batch_size: int = 32
    """Lanes: sessions trained side by side."""

    bptt: int = 16
    """Steps that gradients run through; weights are updated once in as many steps."""

    epochs: int = 8
    patience: int = 0
    """Stop after so many epochs without a better one; 0 never does."""

    monitor: Monitor = "mrr@20"
    """The figure by which the best epoch is chosen."""

    refit: bool = False
    """Then retrain from scratch on train + valid for the best number of epochs."""

    shuffle: bool = False
    """Take sessions in a new random order each epoch, not by the time of their start."""

    seed: int = 1
    threads: int = 0
    """Processor threads; 0 takes all cores. The last bits of a result depend on it."""

    device: Device = "auto"
    precision: Precision = "auto"
    """Of the output layer's products with cross-entropy; auto takes bfloat16 where the processor
    has instructions for it. The rest is float32."""

    def __post_init__(self) -> None:
        for name in ("layers", "batch_size", "bptt", "epochs"):
            require_at_least(self, name, 1)
        for name in ("sample_alpha", "logq", "bpreg", "elu", "clip_norm", "patience", "threads"):
            require_at_least(self, name, 0)
        for name, most in _MOST.items():
            require_at_most(self, name, most)
        for name in ("dropout", "embedding_dropout", "label_smoothing", "momentum"):
            require_fraction(name.replace("_", "-"), getattr(self, name))
        for name, choices in _CHOICES.items():
            require_option(
                getattr(self, name) in get_args(choices),
                f"{name} must be one of {', '.join(get_args(choices))}",
                getattr(self, name),
            )
        sizes = ",".join(map(str, self.hsz))
        require(
            bool(self.hsz) and all(1 <= units <= 100_000 for units in self.hsz),
            "hsz must be 1 to 100,000",
            sizes,
        )
        require_option(
            len(self.hsz) in (1, self.layers),
            "hsz must be one number for all layers, or one for each",
            f"--layers {self.layers} --hsz {sizes}",
        )
        require(
            self.n_sample is None or 0 <= self.n_sample <= 10_000_000,
            "n-sample must be auto or 0 to 10,000,000",
            self.n_sample,
        )
        require(
            math.isfinite(self.learning_rate) and self.learning_rate > 0,
            "learning-rate must be a number above 0",
            self.learning_rate,
        )
        require(0 <= self.seed < 2**31, "seed must be 0 to 2147483647", self.seed)
        self._require_company()

    def _require_company(self) -> None:
        """Check the options that go with one value of another option alone."""
        require_option(
            self.momentum == 0 or self.optimizer == "adagrad",
            "momentum goes with --optimizer adagrad alone",
            f"--optimizer {self.optimizer} --momentum {self.momentum}",
        )
        require_option(
            self.label_smoothing == 0 or self.loss == "cross-entropy",
            "label-smoothing goes with --loss cross-entropy alone",
            f"--loss {self.loss} --label-smoothing {self.label_smoothing}",
        )
        require_option(
            self.elu == 0 or self.loss != "cross-entropy",
            "elu goes with the ranking losses, not with --loss cross-entropy",
            f"--elu {self.elu}",
        )

    @property
    def units(self) -> tuple[int, ...]:
        """Units of each layer, one number a layer."""
        return self.hsz * self.layers if len(self.hsz) == 1 else self.hsz

    def negatives(self, num_items: int) -> int:
        """Decide how many negatives are drawn for each chunk; 0 takes all items.

        All items cost as much as they are many, drawn ones the same whatever there are; the two
        cross near `FULL_UP_TO_ITEMS` (tests/benchmarks/bench_negatives.py measures it).
        """
        if self.n_sample is not None:
            return self.n_sample
        return 0 if num_items <= FULL_UP_TO_ITEMS else AUTO_N_SAMPLE


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointConfig:
    """How `sbr train` saves its place; it moves no result, so no run's name or manifest has it."""

    minutes: float = 5.0
    """Within an epoch, the place is saved this often."""

    def __post_init__(self) -> None:
        require(
            math.isfinite(self.minutes) and self.minutes > 0,
            "checkpoint-minutes must be a number above 0",
            self.minutes,
        )


DEFAULT_CHECKPOINT = CheckpointConfig()


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateConfig:
    """What `sbr evaluate` scores, and against what."""

    split: Literal["test", "valid"] = "test"
    ks: tuple[int, ...] = (1, 5, 10, 20)
    exclude_seen: bool = False
    """Take the session's earlier items out of the candidates, as `sbr recommend` does."""

    notebook_coverage: bool = False
    """Score only the events that the source notebook's loader reached."""

    batch_size: int = 128
    """Sessions walked side by side; the metrics do not depend on it."""

    baselines: tuple[BaselineName, ...] = ()
    """What the run is compared with."""

    hybrid: bool = False
    """Compare it with a blend of itself and a baseline, too."""

    slices: bool = False
    """Give the figures by slices of the next items, too."""

    def __post_init__(self) -> None:
        require(self.split in ("test", "valid"), "split must be test or valid", self.split)
        for k in self.ks:
            require(k >= 1, "k must be at least 1", k)
        require(self.batch_size >= 1, "batch-size must be at least 1", self.batch_size)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecommendConfig:
    """How many items `sbr recommend` gives, and which."""

    k: int = 20
    include_seen: bool = False

    def __post_init__(self) -> None:
        require(self.k >= 1, "k must be at least 1", self.k)


def differences(config: Any, default: Any) -> dict[str, Any]:
    """Name the options in which `config` is not the default, with their values."""
    return {
        field.name: value
        for field in fields(config)
        if (value := getattr(config, field.name)) != getattr(default, field.name)
    }
