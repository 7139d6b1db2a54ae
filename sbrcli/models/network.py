"""The interface of a family of networks, such as GRU4Rec, to the rest of sbr.

A family is a folder of `sbrcli.models` with an object that implements `Family`, and one line in
`sbrcli.models.registry`. Nothing outside that folder knows the family by name.

All networks have the same output layer, a row and a bias for each item: `OUTPUT_TABLE` and
`OUTPUT_BIAS`. A family defines the layers before it, which turn the items of a session so far into
one vector, the hidden state from which the output layer computes the scores. With learned repeats,
terms for the session's own items are added to the scores: `sbrcli.models.repeats` adds them to any
family, which does not know of them.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from sbrcli.config.options import Options
from sbrcli.models.scorer import Scorer

Weights = dict[str, npt.NDArray[np.float32]]

OUTPUT_TABLE, OUTPUT_BIAS = "output/table", "output/bias"
"""The names of the weights of the output layer: (num_items, units) and (num_items,)."""

OUTPUT_REPEATS = "output/repeats"
"""The name of the learned terms for repeats, if a network has them; see `sbrcli.models.repeats`."""

MAX_DRAWS = 63
"""The maximum number of random draws of a network in one training step."""


class NetworkShape(Protocol):
    """The sizes of a network, which determine the shape of every weight."""

    @property
    def num_items(self) -> int:
        """The number of items."""
        ...

    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of every weight, by name; `OUTPUT_TABLE` and `OUTPUT_BIAS` included."""
        ...

    def to_manifest(self) -> dict[str, Any]:
        """Return the entry `network` of a run's manifest, which `Family.read_shape` reads."""
        ...

    def chunk_values(self, lanes: int, steps: int) -> int:
        """Return how many float32 values the passes of a chunk hold beside those of its rows.

        The values of its rows, (steps * lanes, width of each weight), are estimated for every
        network; see `sbrcli.models.training.memory`.
        """
        ...


class Network(Protocol):
    """A network in training, in TensorFlow, which computes its own gradients.

    A chunk has `steps * lanes` rows, step by step.
    """

    @property
    def shape(self) -> NetworkShape:
        """The sizes of the network."""
        ...

    variables: dict[str, Any]
    """A `tf.Variable` for every weight of `shape`."""

    input_table: str
    """The weight whose rows are the items' inputs; may be `OUTPUT_TABLE`."""

    def zero_states(self, num_lanes: int) -> list[Any]:
        """Return the state before the first chunk: tensors with one row per lane.

        A network without a state returns an empty list.
        """
        ...

    def forward(
        self, entered: Any, starts: Any, states: list[Any], seed_of: Callable[[int], Any]
    ) -> tuple[Any, list[Any], Any]:
        """Run the forward pass of a chunk, from the inputs of its items to the hidden states.

        Args:
            entered: (rows, width) the rows of `input_table` of the chunk's items.
            starts: (steps, lanes) True where a session starts and the state is zero.
            states: those of `zero_states`, or the ones returned for the previous chunk.
            seed_of: returns the seed, (2,), of a draw in this step, numbered 0 to `MAX_DRAWS` - 1.

        Returns:
            (rows, units) hidden states, the states after the chunk, and the cache for `backward`.
        """
        ...

    def backward(self, cache: Any, gradient: Any) -> tuple[Any, dict[str, Any]]:
        """Return the gradients of a chunk.

        Args:
            cache: the cache that `forward` returned last.
            gradient: (rows, units) the gradient of the hidden states.

        Returns:
            (rows, width) the gradient of `entered`, and those of all variables except `input_table`
            and those of the output layer.
        """
        ...

    def scorer(self) -> Scorer:
        """Return a scorer with a copy of the current weights, like that of `Family`."""
        ...


class Family(Protocol):
    """A family of networks. Only `make_network` and `make_keras_model` load TensorFlow.

    Importing its module loads no NumPy, so that `sbr train --help` lists its options quickly. A
    `config` is the family's training configuration: `training_config(options)` of
    `sbrcli.config.training`.
    """

    name: str
    """Its name in the registry, in manifests and on the command line."""

    title: str
    """Its name for people."""

    size_options: tuple[str, ...]
    """The options that determine the number of parameters, the most effective one first."""

    options: type[Options]
    """The options of its networks, a frozen dataclass; `FitConfig` has all others."""

    presets: Mapping[str, Mapping[str, Any]]
    """Named sets of values of its options and of `FitConfig`'s; may be empty."""

    def shape_of(self, config: Any, num_items: int) -> NetworkShape:
        """Return the shape of the network that a configuration describes."""
        ...

    def size_words(self, config: Any) -> str:
        """Return `size_options` as written in a run's default name, as in "1x100"."""
        ...

    def read_shape(self, network: Mapping[str, Any]) -> NetworkShape:
        """Read the shape that `NetworkShape.to_manifest` wrote.

        Raises:
            KeyError, TypeError, ValueError: it is not a shape of this family.
        """
        ...

    def initial_weights(self, shape: NetworkShape, seed: int) -> Weights:
        """Draw the initial weights."""
        ...

    def make_network(self, shape: NetworkShape, config: Any, weights: Weights) -> Network:
        """Return a network in training with these initial weights."""
        ...

    def make_scorer(
        self, shape: NetworkShape, weights: Mapping[str, Any], batch_size: int = 128
    ) -> Scorer:
        """Return a scorer, which needs only NumPy. Its blocks of scores may be changed in place.

        Args:
            shape: the shape of the network.
            weights: float32, named and shaped as `shape.weight_shapes()` says.
            batch_size: the number of sessions processed in parallel.
        """
        ...

    def make_keras_model(self, shape: NetworkShape, weights: Weights) -> Any:
        """Return a Keras model: (sessions, steps) items to (sessions, steps, num_items) scores."""
        ...


def count_parameters(shape: NetworkShape) -> int:
    """Return the number of trainable parameters of a network."""
    return sum(int(np.prod(sizes)) for sizes in shape.weight_shapes().values())
