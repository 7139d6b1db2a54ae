"""SASRec written slowly, in float64 and one event at a time, from the papers' formulas."""

from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

from sbrcli.models.sasrec.weights import SasRecShape, initialise_weights

Array = npt.NDArray[np.floating]

SHAPES = [
    SasRecShape(30, 6, 1, 1, 4, 1, has_gates=False),
    SasRecShape(30, 8, 2, 2, 3, 1, has_gates=True),
    SasRecShape(30, 6, 3, 3, 5, 2, has_gates=False),
]


def draw_weights(shape: SasRecShape) -> dict[str, Array]:
    """Draw weights of which none is zero, float32."""
    rng = np.random.default_rng(3)
    drawn = initialise_weights(shape, seed=1).items()
    return {name: weight + rng.normal(0, 0.3, weight.shape).astype("f4") for name, weight in drawn}


def slow_scores(
    shape: SasRecShape,
    weights: Mapping[str, Array],
    session: Iterable[int],
    inputs: list[list[Array]] | None = None,
) -> Array:
    """Score after each event: (events, num_items).

    Args:
        shape: the network.
        weights: float64.
        session: items.
        inputs: each block's inputs of the events before, to which the session's are appended.
    """
    inputs = [[] for _ in range(shape.blocks)] if inputs is None else inputs
    table = weights["output/table"]
    scores = []
    for item in session:
        x = slow_norm(table[item], weights["first/norm"])
        for block, known in enumerate(inputs):
            own = {n.split("/", 1)[1]: w for n, w in weights.items() if n[:7] == f"block_{block}"}
            known.append(x)
            x = x + slow_attention(known[-shape.window :], own, shape)
            normed = slow_norm(x, own["feed/norm"])
            inner = np.maximum(normed @ own["feed/inner"] + own["feed/inner_bias"], 0)
            fed = inner @ own["feed/outer"] + own["feed/outer_bias"]
            x = x + fed * (slow_gate(normed @ own["feed/gate"]) if shape.has_gates else 1)
        hidden = slow_norm(x, weights["last/norm"]) @ weights["last/output"]
        scores.append(table @ hidden + weights["output/bias"])
    return np.array(scores)


def slow_attention(known: list[Array], own: Mapping[str, Array], shape: SasRecShape) -> Array:
    """Attend to each of the events in reach, the attending one last."""
    width = shape.units // shape.heads
    normed = [slow_norm(x, own["attention/norm"]) for x in known]
    key_matrix, value_matrix = np.split(own["attention/keys_values"], 2, axis=1)
    heads = []
    for head in range(shape.heads):
        part = slice(head * width, (head + 1) * width)
        query = (normed[-1] @ own["attention/queries"])[part]
        logits = []
        for back, other in enumerate(reversed(normed)):
            key = (other @ key_matrix)[part]
            logits.append(query @ key / np.sqrt(width) + own["attention/distance"][head, back])
        shares = np.exp(logits) / np.exp(logits).sum()
        values = [(other @ value_matrix)[part] for other in reversed(normed)]
        heads.append(sum(share * value for share, value in zip(shares, values, strict=True)))
    added = np.concatenate(heads) @ own["attention/output"]
    return added * (slow_gate(normed[-1] @ own["attention/gate"]) if shape.has_gates else 1)


def slow_norm(x: Array, norm: Array) -> Array:
    return (x - x.mean()) / np.sqrt(x.var() + 1e-6) * norm[0] + norm[1]


def slow_gate(logits: Array) -> Array:
    return 1 / (1 + np.exp(-logits))
