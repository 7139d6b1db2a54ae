"""A family of networks in a few lines: the last item's embedding times the output table.

python -m tests.models.toy_family WORD...

registers it and runs `sbr`.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sbrcli.config.options import Options, SearchRange, option
from sbrcli.models import registry
from sbrcli.models.network import OUTPUT_BIAS, OUTPUT_TABLE, Weights
from sbrcli.sessions import Sessions

EMBEDDING = "embedding/table"


@dataclass(frozen=True, kw_only=True)
class ToyConfig(Options):
    width: int = option(8, "Numbers per item.", minimum=1, search=SearchRange(4, 64, is_log=True))
    freeze: bool = option(False, "Leave the input embedding as it was drawn.")


@dataclass(frozen=True)
class ToyShape:
    num_items: int
    units: int

    def chunk_values(self, lanes: int, steps: int) -> int:
        return 0

    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        table = (self.num_items, self.units)
        return {EMBEDDING: table, OUTPUT_TABLE: table, OUTPUT_BIAS: (self.num_items,)}

    def to_manifest(self) -> dict[str, Any]:
        return {"num_items": self.num_items, "units": self.units}


class ToyScorer:
    def __init__(self, weights: Mapping[str, Any]) -> None:
        self.weights = weights
        self.num_items = len(weights[OUTPUT_BIAS])

    def score_sessions(self, sessions: Sessions) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        positions = np.flatnonzero(sessions.target_mask[1:])
        yield positions, self.scores_after(sessions.item_indices[positions])

    def score_next(self, items: np.ndarray) -> np.ndarray:
        return self.scores_after(items[-1:])[0]

    def scores_after(self, items: np.ndarray) -> np.ndarray:
        table, bias = self.weights[OUTPUT_TABLE], self.weights[OUTPUT_BIAS]
        return self.weights[EMBEDDING][items] @ table.T + bias


class ToyNetwork:
    input_table = EMBEDDING

    def __init__(self, shape: ToyShape, weights: Weights, *, is_frozen: bool) -> None:
        import tensorflow as tf

        self.shape, self.is_frozen = shape, is_frozen
        self.variables = {name: tf.Variable(weight) for name, weight in weights.items()}

    def zero_states(self, num_lanes: int) -> list[Any]:
        return []

    def forward(
        self, entered: Any, starts: Any, states: list[Any], seed_of: Callable[[int], Any]
    ) -> tuple[Any, list[Any], None]:
        return entered, states, None

    def backward(self, cache: None, gradient: Any) -> tuple[Any, dict[str, Any]]:
        return gradient * (0.0 if self.is_frozen else 1.0), {}

    def scorer(self) -> ToyScorer:
        return ToyScorer({name: variable.numpy() for name, variable in self.variables.items()})


class ToyFamily:
    name, title = "toy", "Toy"
    size_options = ("width",)
    options, presets = ToyConfig, {}

    def shape_of(self, config: ToyConfig, num_items: int) -> ToyShape:
        return ToyShape(num_items, config.width)

    def size_words(self, config: ToyConfig) -> str:
        return f"toy{config.width}"

    def read_shape(self, network: Mapping[str, Any]) -> ToyShape:
        return ToyShape(int(network["num_items"]), int(network["units"]))

    def initial_weights(self, shape: ToyShape, seed: int) -> Weights:
        rng = np.random.default_rng(seed)
        shapes = shape.weight_shapes().items()
        return {name: rng.normal(0, 0.1, sizes).astype(np.float32) for name, sizes in shapes}

    def make_network(self, shape: ToyShape, config: ToyConfig, weights: Weights) -> ToyNetwork:
        return ToyNetwork(shape, weights, is_frozen=config.freeze)

    def make_scorer(
        self, shape: ToyShape, weights: Mapping[str, Any], batch_size: int = 128
    ) -> ToyScorer:
        return ToyScorer(weights)

    def make_keras_model(self, shape: ToyShape, weights: Weights) -> Any:
        import keras

        embedding = keras.layers.Embedding(shape.num_items, shape.units)
        output = keras.layers.Dense(shape.num_items)
        model = keras.Sequential([keras.Input((None,), dtype="int32"), embedding, output])
        model.set_weights([weights[EMBEDDING], weights[OUTPUT_TABLE].T, weights[OUTPUT_BIAS]])
        return model


FAMILY = ToyFamily()


def register() -> None:
    """The one line that a family takes outside its own folder."""
    registry.FAMILIES["toy"] = __name__ if __name__ != "__main__" else "tests.models.toy_family"


if __name__ == "__main__":
    from tests.cli import stopping_child

    register()
    sys.exit(stopping_child.main(*sys.argv[1:]))
