"""The network written slowly, in float64 and one lane at a time, from the papers' formulas."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from sbrcli.models.gru4rec.weights import GruShape
from sbrcli.models.training.lanes import Lanes

Array = npt.NDArray[np.floating]
Weights = Mapping[str, Array]


def sigmoid(values: Array) -> Array:
    return 1 / (1 + np.exp(-values))


def slow_gru(entering: Array, state: Array, kernel: Array, bias: Array) -> Array:
    """Take one step of one lane (Cho et al. 2014, the reset gate behind the product).

    Args:
        entering: (3 * units,) the input's share of z, r and the candidate, its bias included.
        state: (units,) before the step.
        kernel: (units, 3 * units) recurrent.
        bias: (3 * units,) recurrent.
    """
    x_update, x_reset, x_candidate = np.split(entering, 3)
    h_update, h_reset, h_candidate = np.split(state @ kernel + bias, 3)
    update, reset = sigmoid(x_update + h_update), sigmoid(x_reset + h_reset)
    candidate = np.tanh(x_candidate + reset * h_candidate)
    return update * state + (1 - update) * candidate


def slow_event(item: int, states: list[Array], weights: Weights, shape: GruShape) -> Array:
    """Take in one event of one lane: changes `states` and gives (num_items,) scores."""
    table = "output/table" if shape.embedding == "shared" else "embedding/table"
    if shape.embedding == "none":
        entering = weights["gru_0/kernel"][item]
    else:
        entering = weights[table][item] @ weights["gru_0/kernel"]
    for layer in range(len(shape.units)):
        bias = weights[f"gru_{layer}/bias"]
        if layer:
            entering = states[layer - 1] @ weights[f"gru_{layer}/kernel"]
        states[layer] = slow_gru(
            entering + bias[0], states[layer], weights[f"gru_{layer}/recurrent_kernel"], bias[1]
        )
    hidden = states[-1]
    if shape.has_residual:
        hidden = hidden + weights[table][item] @ weights["residual/kernel"]
    return weights["output/table"] @ hidden + weights["output/bias"]


def slow_walk(
    lanes: Lanes, weights: Weights, shape: GruShape, states: Sequence[Array]
) -> tuple[float, list[Array]]:
    """Walk lanes that begin in `states`, (lanes, units) a layer: the losses' sum, the end states.

    The state of a lane that has run out of sessions is nobody's, and not given rightly.
    """
    loss, ends = 0.0, [np.array(state, float) for state in states]
    for lane in range(lanes.inputs.shape[1]):
        here: list[Array] = [end[lane] for end in ends]
        for step in np.flatnonzero(lanes.is_pair[:, lane]):
            if lanes.starts[step, lane]:
                here = [np.zeros(units) for units in shape.units]
            scores = slow_event(int(lanes.inputs[step, lane]), here, weights, shape)
            loss += np.log(np.exp(scores).sum()) - scores[lanes.targets[step, lane]]
        for end, state in zip(ends, here, strict=True):
            end[lane] = state
    return loss, ends


def slow_gradients(loss, weights: dict[str, Array], step: float = 1e-5) -> dict[str, Array]:
    """Find the slope of loss() along each number of each weight, by moving it both ways."""
    gradients = {name: np.zeros_like(weight) for name, weight in weights.items()}
    for name, weight in weights.items():
        for place in np.ndindex(weight.shape):
            kept = weight[place]
            weight[place] = kept + step
            above = loss()
            weight[place] = kept - step
            gradients[name][place] = (above - loss()) / (2 * step)
            weight[place] = kept
    return gradients
