"""The learned terms in exported models.

Each item of the session is first given the term of the greatest age, then the items of the latest
events, from the oldest to the newest, that of theirs: an item that occurs several times ends with
the term of its last occurrence. In a session with fewer events than an age, its first event takes
the place of what is not there, and is written again later.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sbrcli.models.repeats.ages import AGES

if TYPE_CHECKING:
    from sbrcli.models.export.onnx_graph import OnnxGraph


def add_onnx_repeats(
    graph: "OnnxGraph",
    scores: str,
    terms: npt.NDArray[np.float32],
    items: str,
    lengths: str,
    seen: str,
) -> str:
    """Add the terms to scores; return the name of the sum, "scores".

    Args:
        graph: the graph to add to.
        scores: the name of (sessions, num_items) scores.
        terms: (AGES,) the terms.
        items: the name of (sessions, steps) int64 item indices.
        lengths: the name of (sessions,) int64 lengths, at least 1.
        seen: the name of (sessions, num_items), true at the items of each session.
    """
    axis = graph.constant("repeats_axis", np.array([1], np.int64))
    lowest = graph.constant("first_step", np.array([[0]], np.int64))
    length = graph.add("Unsqueeze", [lengths, axis], "length_of_session")
    pieces = [graph.constant(f"term_{age}", terms[[age], None]) for age in range(AGES)]
    nothing = graph.scalar_constant("no_term", np.array(0, np.float32))
    added = graph.add("Where", [seen, pieces[-1], nothing], "oldest_terms")
    for age in reversed(range(AGES - 1)):
        back = graph.constant(f"steps_back_{age}", np.array([[age + 1]], np.int64))
        step = graph.add("Sub", [length, back], f"maybe_step_{age}")
        step = graph.add("Max", [step, lowest], f"step_{age}")
        item = graph.add("GatherElements", [items, step], f"item_{age}", axis=1)
        shape = graph.add("Shape", [item], f"item_shape_{age}")
        term = graph.add("Expand", [pieces[age], shape], f"terms_{age}")
        added = graph.add("ScatterElements", [added, item, term], f"added_{age}", axis=1)
    return graph.add("Add", [scores, added], "scores")


def add_keras_repeats(scores: Any, terms: npt.NDArray[np.float32], items: Any, lengths: Any) -> Any:
    """Return the sum of symbolic scores and the terms, by operations that come with Keras.

    Args:
        scores: (sessions, num_items).
        terms: (AGES,) the terms.
        items: (sessions, steps) item indices.
        lengths: (sessions,) lengths, at least 1.
    """
    import keras

    ops: Any = keras.ops
    steps = ops.cumsum(ops.ones_like(items), axis=1) - 1
    # Padding becomes the first item, which is one of the session's own.
    own = ops.where(steps < ops.expand_dims(lengths, 1), items, items[:, :1])
    added = _put(ops.zeros_like(scores), own, float(terms[-1]))
    for age in reversed(range(AGES - 1)):
        step = ops.maximum(ops.expand_dims(lengths, 1) - (age + 1), 0)
        added = _put(added, ops.take_along_axis(items, step, axis=1), float(terms[age]))
    return scores + added


def _put(added: Any, items: Any, term: float) -> Any:
    """Write a term at some items of each session: (sessions, columns) item indices."""
    import keras

    ops: Any = keras.ops
    sessions = ops.cumsum(ops.ones_like(items), axis=0) - 1
    places = ops.reshape(ops.stack([sessions, items], axis=2), (-1, 2))
    terms = ops.full_like(ops.cast(ops.reshape(items, (-1,)), "float32"), term)
    return ops.scatter_update(added, places, terms)
