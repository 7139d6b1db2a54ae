"""The forward and backward pass of one GRU layer over a chunk, with explicit gradients.

With h the state before a step, e the input's contribution to the gates and Rz, Rr, Rc, b the
recurrent weights (Keras' GRU with `reset_after=True`; Cho et al. 2014, arXiv 1406.1078, eq. 5 to 8,
with the reset gate after the product):

    z = sigmoid(ez + h Rz + bz)     r = sigmoid(er + h Rr + br)     m = h Rc + bc
    c = tanh(ec + r * m)            h' = c + z * (h - c)

Automatic differentiation computes each small product of the backward pass, and each sum over steps,
separately. Here only the gradient d of h' is propagated from step to step. The factors that it is
multiplied by are computed for all steps at once before the loop, and the gradients of the weights
after it. Both loops are compiled by XLA, which fuses the many small operations of a step.
"""

from typing import Any, NamedTuple

import tensorflow as tf


class ForwardCache(NamedTuple):
    """Values of the forward pass that the backward pass needs; each is (steps, lanes, …)."""

    keeps: Any
    """(…, 1)"""

    befores: Any
    """(…, units) the state before each step, zero where a session starts."""

    gates: Any
    """(…, 2 * units) z and r."""

    memories: Any
    """(…, units) m."""

    candidates: Any
    """(…, units) c."""


class LayerGradients(NamedTuple):
    """Gradients of the inputs of `gru_forward`, except the state before the chunk."""

    projected: Any
    """(steps, lanes, 3 * units)"""

    kernel: Any
    """(units, 3 * units)"""

    bias: Any
    """(3 * units,)"""


def gru_forward(
    projected: Any, keeps: Any, state: Any, kernel: Any, bias: Any
) -> tuple[Any, Any, ForwardCache]:
    """Run the layer over a chunk, with the gates in the order z, r, candidate.

    Args:
        projected: (steps, lanes, 3 * units) the input's contribution to the gates, bias included.
        keeps: (steps, lanes, 1) 0 where a session starts and the state is zero, else 1.
        state: (lanes, units) the state before the first step.
        kernel: (units, 3 * units) recurrent weights.
        bias: (3 * units,) recurrent bias.

    Returns:
        (steps, lanes, units) states, the last of them, and the cache for `gru_backward`.
    """
    steps, (lanes, units) = projected.shape[0], state.shape

    def advance(step: Any, state: Any, kept: list[Any]) -> Any:
        # The reset comes first, so that every gate, the update gate too, sees the zero state.
        state = state * keeps[step]
        recurrent = tf.matmul(state, kernel) + bias
        entering = projected[step]
        gates = tf.sigmoid(entering[:, : 2 * units] + recurrent[:, : 2 * units])
        memory = recurrent[:, 2 * units :]
        candidate = tf.tanh(entering[:, 2 * units :] + gates[:, units:] * memory)
        after = candidate + gates[:, :units] * (state - candidate)
        made = (state, gates, memory, candidate, after)
        kept = [array.write(step, value) for array, value in zip(kept, made, strict=True)]
        return step + 1, after, kept

    widths = (units, 2 * units, units, units, units)
    arrays = [tf.TensorArray(tf.float32, steps, element_shape=(lanes, width)) for width in widths]
    _, end, arrays = tf.while_loop(
        lambda step, *_: step < steps,
        advance,
        (tf.constant(0), state, arrays),
        maximum_iterations=steps,
    )
    befores, gates, memories, candidates, states = [array.stack() for array in arrays]
    return states, end, ForwardCache(keeps, befores, gates, memories, candidates)


def gru_backward(cache: ForwardCache, gradient: Any, kernel: Any) -> LayerGradients:
    """Return the gradients of a chunk; they do not flow into the chunk before it.

    Args:
        cache: the values that `gru_forward` returned.
        gradient: (steps, lanes, units) the gradient of the states.
        kernel: (units, 3 * units) recurrent.
    """
    steps, lanes, units = gradient.shape
    update, reset = cache.gates[:, :, :units], cache.gates[:, :, units:]
    to_candidate = (1 - update) * (1 - tf.square(cache.candidates))
    to_memory = to_candidate * reset
    # The factors of d in the gradients of h Rz, h Rr and h Rc.
    slopes = tf.concat(
        [
            (cache.befores - cache.candidates) * update * (1 - update),
            to_memory * (1 - reset) * cache.memories,
            to_memory,
        ],
        axis=2,
    )
    transposed = tf.transpose(kernel)

    def go_back(taken: Any, later: Any, arrays: list[Any]) -> Any:
        step = steps - 1 - taken
        after = gradient[step] + later  # (lanes, units)
        recurrent = tf.tile(after, (1, 3)) * slopes[step]
        earlier = after * update[step] + tf.matmul(recurrent, transposed)
        made = (after, recurrent)
        arrays = [array.write(step, value) for array, value in zip(arrays, made, strict=True)]
        return taken + 1, earlier * cache.keeps[step], arrays

    arrays = [
        tf.TensorArray(tf.float32, steps, element_shape=(lanes, width))
        for width in (units, 3 * units)
    ]
    _, _, arrays = tf.while_loop(
        lambda taken, *_: taken < steps,
        go_back,
        (tf.constant(0), tf.zeros((lanes, units)), arrays),
        maximum_iterations=steps,
    )
    afters, recurrents = [array.stack() for array in arrays]
    projected = tf.concat([recurrents[:, :, : 2 * units], afters * to_candidate], axis=2)
    befores = tf.reshape(cache.befores, (steps * lanes, units))
    recurrents = tf.reshape(recurrents, (steps * lanes, 3 * units))
    return LayerGradients(
        projected,
        tf.matmul(befores, recurrents, transpose_a=True),
        tf.reduce_sum(recurrents, axis=0),
    )
