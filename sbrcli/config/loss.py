"""The options of the loss and of the negatives that it compares with."""

from dataclasses import dataclass
from typing import Literal, get_args

from sbrcli.config.checks import require_option
from sbrcli.config.options import Options, SearchRange, option
from sbrcli.errors import OptionError

PANEL = "Loss"

Loss = Literal["cross-entropy", "bpr-max", "top1-max", "bpr", "top1"]

FULL_UP_TO_ITEMS = 10_000
AUTO_N_SAMPLE = 8192


def parse_n_sample(text: str) -> int | str:
    """Read a number of negatives; "auto" stays a word, which goes before a preset's number.

    Raises:
        OptionError: it is neither.
    """
    if text == "auto":
        return text
    try:
        return int(text)
    except ValueError as error:
        raise OptionError(f"n-sample must be auto or a whole number. Received: {text}") from error


@dataclass(frozen=True, kw_only=True)
class LossConfig(Options):
    """What training minimises; every network takes these."""

    loss: Loss = option(
        "cross-entropy",
        "Loss: cross-entropy, bpr-max, top1-max, bpr or top1.",
        panel=PANEL,
        metavar="NAME",
        choices=get_args(Loss),
    )
    n_sample: int | None = option(
        None,
        "Negatives sampled per chunk, in addition to its targets. 0: use all items; auto: "
        f"use all up to {FULL_UP_TO_ITEMS:,} items, else sample {AUTO_N_SAMPLE:,}.",
        panel=PANEL,
        metavar="auto|N",
        shown_default="auto",
        parse=parse_n_sample,
        minimum=0,
        maximum=10_000_000,
        expected="auto or 0 to 10,000,000",
    )
    """None decides by the number of items (see `negatives`)."""

    sample_alpha: float = option(
        0.5,
        "Sample negatives in proportion to their count raised to this power.",
        panel=PANEL,
        minimum=0,
        maximum=10,
        search=SearchRange(0.0, 1.0),
    )
    logq: float = option(
        1.0,
        "Cross-entropy: strength of the correction for the sampling; 0 is none.",
        panel=PANEL,
        minimum=0,
        search=SearchRange(0.0, 1.0),
    )
    bpreg: float = option(
        1.0,
        "bpr-max: weight of the penalty on the negatives' squared scores.",
        panel=PANEL,
        minimum=0,
        search=SearchRange(0.0, 2.0),
    )
    elu: float = option(
        0.0,
        "Ranking losses: apply an ELU with this bound to the scores; 0 is off.",
        panel=PANEL,
        minimum=0,
        search=SearchRange(0.0, 1.0),
    )
    label_smoothing: float = option(
        0.0,
        "Cross-entropy: share of the target's probability spread over all items.",
        panel=PANEL,
        minimum=0,
        below=1,
        search=SearchRange(0.0, 0.2),
    )

    def check_together(self) -> None:
        """Check the options that go with one loss alone."""
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
        super().check_together()

    def without_effect(self, num_items: int) -> frozenset[str]:
        """Return the options of other losses, and those of sampling if nothing is sampled."""
        is_cross_entropy = self.loss == "cross-entropy"
        names = {"elu"} if is_cross_entropy else {"logq", "label_smoothing"}
        names |= set() if self.loss == "bpr-max" else {"bpreg"}
        names |= set() if self.negatives(num_items) else {"sample_alpha", "logq"}
        return super().without_effect(num_items) | names

    def negatives(self, num_items: int) -> int:
        """Return how many negatives are sampled for each chunk; 0 takes all items.

        The cost of taking all items grows with their number, the cost of sampling does not; the
        two cross near `FULL_UP_TO_ITEMS` (tests/benchmarks/bench_negatives.py measures it).
        """
        if self.n_sample is not None:
            return self.n_sample
        return 0 if num_items <= FULL_UP_TO_ITEMS else AUTO_N_SAMPLE
