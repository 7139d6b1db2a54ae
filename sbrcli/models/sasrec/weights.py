"""SASRec's weights: their names, shapes and initial values. NumPy only.

The network (Kang & McAuley 2018, arXiv 1808.09781), for an event with item i:

    x = norm(output/table[i])
    x = x + attention(norm(x))                        in each block, over the last `window` events
    x = x + relu(norm(x) A + a) B + b                 in each block
    scores = norm(x) P output/table^T + output/bias

It differs from the paper in these points. Attention has several heads and an output projection, as
in Vaswani et al. 2017. With the matrix P, an item can follow another without resembling it,
although both have their rows in one table; without P, an item resembles itself most.

Positions are distances: each head has a learned number for every distance between the attending
event and the attended one, which is added to their logit (Raffel et al. 2020, section 2.1, but
without buckets). The paper's absolute positions would change with each event that leaves a full
window. With distances, the scores depend on the events before them alone, wherever a session is cut
into chunks, and each block can store its last inputs and go on. As each block looks back by
`window` - 1 events, the network reaches `blocks` * (`window` - 1) events back.

With gates, what a layer adds is multiplied by sigmoid(norm(x) G) (LiGR: Borisyuk et al. 2025, arXiv
2502.03417).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sbrcli.models.network import OUTPUT_BIAS, OUTPUT_TABLE, Weights

EPSILON = 1e-6
"""Added to the variance by each norm."""


@dataclass(frozen=True, slots=True)
class SasRecShape:
    """The sizes that determine the shape of every weight; `network` in a run's manifest."""

    num_items: int
    units: int
    blocks: int
    heads: int
    window: int
    feed_forward: int
    """Width of the feed-forward layer, as a multiple of the units of an event."""

    has_gates: bool

    @classmethod
    def from_manifest(cls, network: Mapping[str, Any]) -> "SasRecShape":
        """Read what `to_manifest` wrote.

        Raises:
            KeyError, TypeError, ValueError: it is not a valid shape of a SASRec.
        """
        names = ("num_items", "hsz", "blocks", "heads", "window", "feed_forward")
        sizes = [network[name] for name in names]
        if not all(isinstance(size, int) and size > 0 for size in sizes):
            raise ValueError(f"sizes {sizes}")
        shape = cls(*sizes, has_gates=bool(network["gates"]))
        if shape.units % shape.heads or shape.window < 2:
            raise ValueError(f"sizes {sizes}")
        return shape

    def to_manifest(self) -> dict[str, Any]:
        """Return the manifest's entry, which `from_manifest` reads."""
        return {
            "num_items": self.num_items,
            "hsz": self.units,
            "blocks": self.blocks,
            "heads": self.heads,
            "window": self.window,
            "feed_forward": self.feed_forward,
            "gates": self.has_gates,
        }

    @property
    def memory(self) -> int:
        """The number of earlier events that a block attends to."""
        return self.window - 1

    def chunk_values(self, lanes: int, steps: int) -> int:
        """Return those of the attention, and of the events before the chunk that it reaches.

        Measured: a block keeps some 1.25 matrices of logits until the backward pass, which has two
        more at a time.
        """
        known = self.memory + steps
        logits = lanes * self.heads * steps * known
        return logits * (5 * self.blocks + 8) // 4 + 4 * self.blocks * lanes * known * self.units

    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of every weight, by name.

        A norm has a row of factors and one of terms. `queries` is one matrix, `keys_values` the
        matrices of the keys and the values side by side. `distance` has a row for each head; column
        d is added to the logits of events that lie d back.
        """
        units, inner = self.units, self.units * self.feed_forward
        shapes: dict[str, tuple[int, ...]] = {}
        for block in range(self.blocks):
            name = f"block_{block}"
            shapes[f"{name}/attention/norm"] = (2, units)
            shapes[f"{name}/attention/queries"] = (units, units)
            shapes[f"{name}/attention/keys_values"] = (units, 2 * units)
            shapes[f"{name}/attention/distance"] = (self.heads, self.window)
            shapes[f"{name}/attention/output"] = (units, units)
            shapes[f"{name}/feed/norm"] = (2, units)
            shapes[f"{name}/feed/inner"] = (units, inner)
            shapes[f"{name}/feed/inner_bias"] = (inner,)
            shapes[f"{name}/feed/outer"] = (inner, units)
            shapes[f"{name}/feed/outer_bias"] = (units,)
            if self.has_gates:
                shapes[f"{name}/attention/gate"] = (units, units)
                shapes[f"{name}/feed/gate"] = (units, units)
        shapes["first/norm"] = (2, units)
        shapes["last/norm"] = (2, units)
        shapes["last/output"] = (units, units)
        shapes[OUTPUT_TABLE] = (self.num_items, units)
        shapes[OUTPUT_BIAS] = (self.num_items,)
        return shapes


def block_weights(
    weights: Mapping[str, npt.NDArray[np.float32]], block: int
) -> dict[str, npt.NDArray[np.float32]]:
    """Return the weights of a block, by the rest of their names, as "feed/norm"."""
    begin = f"block_{block}/"
    return {name[len(begin) :]: one for name, one in weights.items() if name.startswith(begin)}


def initialise_weights(shape: SasRecShape, seed: int) -> Weights:
    """Draw the initial weights.

    Each matrix is uniform in ± sqrt(6 / (rows + columns)), keys and values each count as their own
    matrix (Glorot & Bengio 2010, eq. 16), but for the last matrix of each layer, which is 0: blocks
    add nothing at first. Norms begin as 1 and 0, biases as 0. The terms of distance d begin as
    -d / 4^h for head h = 0, 1, … (falling with the distance, as in Press et al. 2022, arXiv
    2108.12409).
    """
    rng = np.random.default_rng(seed)
    weights: Weights = {}
    for name, sizes in shape.weight_shapes().items():
        if name.endswith("norm"):
            weights[name] = np.stack([np.ones(sizes[1]), np.zeros(sizes[1])]).astype(np.float32)
        elif name.endswith(("bias", "attention/output", "feed/outer")):
            weights[name] = np.zeros(sizes, np.float32)
        elif name.endswith("distance"):
            slopes = 4.0 ** -np.arange(shape.heads)
            weights[name] = np.outer(-slopes, np.arange(shape.window)).astype(np.float32)
        else:
            width = shape.units if name.endswith("keys_values") else sizes[1]
            bound = np.sqrt(6 / (sizes[0] + width))
            weights[name] = rng.uniform(-bound, bound, sizes).astype(np.float32)
    return weights
