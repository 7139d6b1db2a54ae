"""What the rest of sbr needs of a family of networks, such as GRU4Rec.

A family is a folder of `sbrcli.models` with an object that meets `Family`, and one line in
`sbrcli.models.registry`. Nothing outside that folder knows the family by name.

Every network ends in the same output layer, a row and a bias for each item, which the training
step shares: `OUTPUT_TABLE` and `OUTPUT_BIAS`. A family decides what leads there: it turns the
items of a session so far into one vector, the hidden state that the output layer scores.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from sbrcli.config.options import Options
from sbrcli.models.scorer import Scorer

Weights = dict[str, npt.NDArray[np.float32]]

OUTPUT_TABLE, OUTPUT_BIAS = "output/table", "output/bias"
"""Weights that every network has: (num_items, units) and (num_items,)."""

MOST_DRAWS = 63
"""A network draws at random at most this often in one training step."""


class NetworkShape(Protocol):
    """The sizes of a network, which decide the shape of every weight."""

    @property
    def num_items(self) -> int:
        """How many items are scored."""
        ...

    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of every weight, by name; `OUTPUT_TABLE` and `OUTPUT_BIAS` included."""
        ...

    def to_manifest(self) -> dict[str, Any]:
        """Return what a run's manifest stores as `network`; `Family.read_shape` reads it."""
        ...


class Network(Protocol):
    """A network in training, in TensorFlow; its gradients are its own affair.

    A chunk has `steps * lanes` rows, the steps of all lanes one after the other.
    """

    shape: NetworkShape
    variables: dict[str, Any]
    """A `tf.Variable` for every weight of `shape`."""

    input_table: str
    """The weight whose rows are the items' inputs; may be `OUTPUT_TABLE`."""

    def zero_states(self, num_lanes: int) -> list[Any]:
        """Return the state before the first chunk, tensors of which each row is a lane's.

        A network that looks at a chunk alone has no state: an empty list.
        """
        ...

    def forward(
        self, entered: Any, starts: Any, states: list[Any], seed_of: Callable[[int], Any]
    ) -> tuple[Any, list[Any], Any]:
        """Walk a chunk from its items' inputs to its hidden states.

        Args:
            entered: (rows, width) the rows of `input_table` of the chunk's items.
            starts: (steps, lanes) True where a session starts and the state is zero.
            states: as `zero_states`, or as the chunk before returned them.
            seed_of: returns the seed, (2,), of a draw of this step, 0 to `MOST_DRAWS` - 1.

        Returns:
            (rows, units) hidden states, the states after the chunk, and whatever `backward` needs.
        """
        ...

    def backward(self, cache: Any, gradient: Any) -> tuple[Any, dict[str, Any]]:
        """Return the gradients of a chunk.

        Args:
            cache: what `forward` returned last.
            gradient: (rows, units) of the hidden states.

        Returns:
            (rows, width) the gradient of `entered`, and that of every variable but `input_table`
            and the output layer's.
        """
        ...

    def scorer(self) -> Scorer:
        """Return a scorer with a copy of the present weights."""
        ...


class Family(Protocol):
    """One kind of network. No method but `make_network` and `make_keras_model` loads TensorFlow.

    Importing its module loads no NumPy, so that `sbr train --help` lists its options quickly. A
    `config` is the family's training configuration: `training_config(options)` of
    `sbrcli.config.training`.
    """

    name: str
    """Its key in the registry, in manifests and on the command line."""

    title: str
    """Its name for people."""

    size_options: tuple[str, ...]
    """The options that decide the number of parameters, the most effective one first."""

    options: type[Options]
    """The options of its networks, a frozen dataclass; `FitConfig` has all others."""

    presets: Mapping[str, Mapping[str, Any]]
    """Named sets of values of its options and of `FitConfig`'s; may be empty."""

    def shape_of(self, config: Any, num_items: int) -> NetworkShape:
        """Return the shape of the network that a configuration describes."""
        ...

    def size_words(self, config: Any) -> str:
        """Write `size_options` as a run's default name holds them, as in "1x100"."""
        ...

    def read_shape(self, network: Mapping[str, Any]) -> NetworkShape:
        """Read what `NetworkShape.to_manifest` wrote.

        Raises:
            KeyError, TypeError, ValueError: it is no shape of this family.
        """
        ...

    def initial_weights(self, shape: NetworkShape, seed: int) -> Weights:
        """Draw the weights that training begins with."""
        ...

    def make_network(self, shape: NetworkShape, config: Any, weights: Weights) -> Network:
        """Make a network to be trained, with these weights."""
        ...

    def make_scorer(
        self, shape: NetworkShape, weights: Mapping[str, Any], batch_size: int = 128
    ) -> Scorer:
        """Make a scorer, which needs NumPy alone.

        Args:
            shape: the network's.
            weights: float32, named and shaped as `shape.weight_shapes()` says.
            batch_size: sessions walked side by side.
        """
        ...

    def make_keras_model(self, shape: NetworkShape, weights: Weights) -> Any:
        """Make a Keras model: (sessions, steps) items to (sessions, steps, num_items) scores."""
        ...


def count_parameters(shape: NetworkShape) -> int:
    """Return how many numbers of a network are trained."""
    return sum(int(np.prod(sizes)) for sizes in shape.weight_shapes().values())
