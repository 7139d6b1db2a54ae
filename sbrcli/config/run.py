"""The options of a training run: its epochs, batches, seed and machine."""

from dataclasses import dataclass
from typing import Literal, get_args

from sbrcli.config.options import Options, SearchRange, option

PANEL = "Training run"

Device = Literal["auto", "cpu", "gpu"]
Precision = Literal["auto", "float32", "bfloat16"]

# Greater values are more likely typing errors than intended, and would run out of memory later.
_MOST_LANES = 65_536
_MOST_STEPS = 10_000


@dataclass(frozen=True, kw_only=True)
class RunConfig(Options):
    """How long, in which order, and where a network is trained; every network takes these."""

    batch_size: int = option(
        32,
        "Sessions trained in parallel.",
        panel=PANEL,
        short_sessions=64,
        minimum=1,
        maximum=_MOST_LANES,
        search=SearchRange(16, 256, is_log=True),
    )
    bptt: int = option(
        16,
        "Truncated backpropagation length, in steps; one update per chunk of steps.",
        panel=PANEL,
        short_sessions=8,
        minimum=1,
        maximum=_MOST_STEPS,
        search=SearchRange(4, 64, is_log=True),
    )
    epochs: int = option(
        8,
        "Number of passes over the train split.",
        panel=PANEL,
        minimum=1,
        maximum=1_000_000,
    )
    patience: int = option(
        0, "Stop after N epochs without improvement; 0 is off.", panel=PANEL, minimum=0
    )
    monitor: str = option("mrr@20", "Validation metric that selects the best epoch.", panel=PANEL)
    """One of `monitored_metrics` of `sbrcli.evaluation.rank_metrics.registry`, which checks it."""

    refit: bool = option(
        False,
        "Then retrain from scratch on train + valid for the best number of epochs.",
        panel=PANEL,
    )
    shuffle: bool = option(
        False,
        "Shuffle the sessions in each epoch instead of ordering them by start time.",
        panel=PANEL,
    )
    seed: int = option(
        1,
        "Random seed; the same seed, machine and threads give the same result.",
        panel=PANEL,
        minimum=0,
        maximum=2**31 - 1,
        expected="0 to 2147483647",
    )
    threads: int = option(
        0, "CPU threads; 0 uses all cores.", panel=PANEL, minimum=0, maximum=1_024
    )
    """The last bits of a result depend on it."""

    device: Device = option("auto", "Where to train.", panel=PANEL, choices=get_args(Device))
    precision: Precision = option(
        "auto",
        "Precision of the output layer's products; auto: bfloat16 if the processor has it.",
        panel=PANEL,
        choices=get_args(Precision),
    )
    """Only with cross-entropy; the rest is float32."""
