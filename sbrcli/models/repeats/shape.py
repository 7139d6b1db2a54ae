"""The shape of a network with learned repeats."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sbrcli.models.network import OUTPUT_REPEATS, NetworkShape
from sbrcli.models.repeats.ages import AGES

REPEATS_ENTRY = "repeats"
"""In a manifest's entry `network`: true where repeats are learned, otherwise absent."""


@dataclass(frozen=True, slots=True)
class RepeatsShape:
    """The sizes of a network, and a term for each age; see `sbrcli.models.network.NetworkShape`."""

    network: NetworkShape
    """The shape without the terms."""

    @property
    def num_items(self) -> int:
        """The number of items."""
        return self.network.num_items

    def chunk_values(self, lanes: int, steps: int) -> int:
        """Return those of the network."""
        return self.network.chunk_values(lanes, steps)

    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of every weight, by name."""
        return {**self.network.weight_shapes(), OUTPUT_REPEATS: (AGES,)}

    def to_manifest(self) -> dict[str, Any]:
        """Return the entry `network` of a run's manifest."""
        return {**self.network.to_manifest(), REPEATS_ENTRY: True}


def own_shape(shape: NetworkShape) -> NetworkShape:
    """Return the shape without the terms of repeats."""
    return shape.network if isinstance(shape, RepeatsShape) else shape


def own_weights(weights: Mapping[str, Any]) -> dict[str, Any]:
    """Return the weights without the terms of repeats."""
    return {name: weight for name, weight in weights.items() if name != OUTPUT_REPEATS}
