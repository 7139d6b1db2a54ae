"""The interface of a baseline, such as V-SKNN, to the rest of sbr.

A baseline is a module of `sbrcli.models.baselines` with a `Baseline` as `BASELINE`, and one line in
`sbrcli.models.baselines.registry`. Nothing else knows it by name.

The command line reads a baseline's options for its help. So the module that declares them loads
neither NumPy nor SciPy, and names a second one, which fits the baseline.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from importlib import import_module
from typing import TYPE_CHECKING, Any

from sbrcli.config.options import Options

if TYPE_CHECKING:  # see above
    from sbrcli.models.baselines.fitted import Arrays, FittedBaseline
    from sbrcli.sessions import Sessions


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """The declaration of a baseline."""

    name: str
    """Its name on the command line, in leaderboards and in stored choices."""

    title: str
    """Its name for people."""

    scorer: str
    """The module that fits it, with two functions:

    fit(training, num_items, options) returns a `FittedBaseline`; `restore(arrays, num_items,
    options)` makes the same one of its stored arrays, and raises ValueError if they are damaged.
    """

    options: type[Options] = Options
    """The class of its options, with their defaults; `Options` itself if it has none."""

    help: str = ""
    """The description of its options, for `--help`."""

    grid: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    """The values that `sbr tune-baselines` tries, by option, in the order in which options are
    chosen; the default is among them. `sbr tune --model NAME` searches between them."""

    is_partner: bool = False
    """Whether a network can be blended with it; if so, it is a `FittedPartner`."""

    @property
    def has_options(self) -> bool:
        """Whether it has any option."""
        return bool(fields(self.options))

    def fit(self, training: "Sessions", num_items: int, options: Options) -> "FittedBaseline":
        """Fit the baseline.

        Args:
            training: sessions, every item index below `num_items`.
            num_items: how many items are scored.
            options: an instance of the class that it declares.
        """
        return import_module(self.scorer).fit(training, num_items, options)

    def restore(self, arrays: "Arrays", num_items: int, options: Options) -> "FittedBaseline":
        """Restore a fitted baseline from its `arrays()`.

        Args:
            arrays: the arrays, by name.
            num_items: how many items are scored.
            options: the options that it was fitted with.

        Raises:
            ValueError: the arrays are damaged.
        """
        return import_module(self.scorer).restore(arrays, num_items, options)
