"""Add rows for new items to the weights of a trained network. NumPy only.

Which weights have a row for each item is read from the shapes of the network before and after, so
that this serves every family.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from sbrcli.arrays import IntArray
from sbrcli.models.network import NetworkShape, Weights
from sbrcli.sessions import Sessions

_REACH = 5
"""Items that stand at most this many events apart occur together."""


def find_grown(before: NetworkShape, after: NetworkShape) -> list[str]:
    """Return the names of the weights with a row for each item.

    Raises:
        ValueError: a weight changes with the number of items in another way than by rows.
    """
    old, new = before.weight_shapes(), after.weight_shapes()
    grown = [name for name, sizes in new.items() if old[name] != sizes]
    for name in grown:
        is_by_rows = old[name][0] == before.num_items and new[name][0] == after.num_items
        if not is_by_rows or old[name][1:] != new[name][1:]:
            raise ValueError(f"weight {name} grows from {old[name]} to {new[name]}")
    return grown


def grow_weights(
    weights: Mapping[str, npt.NDArray[np.float32]],
    before: NetworkShape,
    after: NetworkShape,
    sessions: Sessions,
    seed: int,
) -> Weights:
    """Return weights with rows for new items, whose indices follow those of the others.

    A new item begins at the mean of the known items with which it occurs in the sessions, each
    counted as often as it does. If it occurs with none, its row is drawn from a normal
    distribution with the mean and the standard deviation of each column of the known items' rows.

    Args:
        weights: those of `before`.
        before: the shape of the trained network.
        after: the shape of the same network with more items.
        sessions: sessions with the new items.
        seed: of the drawn rows.
    """
    num_known, num_new = before.num_items, after.num_items - before.num_items
    new, known = _pairs(sessions, num_known)
    met = np.bincount(new - num_known, minlength=num_new)
    rng = np.random.default_rng([seed, num_known])
    grown = {name: np.array(weight) for name, weight in weights.items()}
    for name in find_grown(before, after):
        table = grown[name].reshape(num_known, -1)
        rows = rng.normal(table.mean(axis=0), table.std(axis=0), (num_new, table.shape[1]))
        sums = np.zeros((num_new, table.shape[1]))
        np.add.at(sums, new - num_known, table[known])
        rows[met > 0] = sums[met > 0] / met[met > 0, None]
        added = rows.astype(np.float32).reshape(num_new, *grown[name].shape[1:])
        grown[name] = np.concatenate((grown[name], added))
    return grown


def grow_slots(
    slots: Mapping[str, npt.NDArray[np.float32]], before: NetworkShape, after: NetworkShape
) -> Weights:
    """Return the slots of an optimizer with rows of zeros for new items.

    Args:
        slots: by name, which begins with the name of a weight.
        before: the shape of the trained network.
        after: the shape of the same network with more items.
    """
    found = {}
    grown = tuple(f"{name}/" for name in find_grown(before, after))
    for name, slot in slots.items():
        if name.startswith(grown):
            more = np.zeros((after.num_items - before.num_items, *slot.shape[1:]), slot.dtype)
            found[name] = np.concatenate((slot, more))
        else:
            found[name] = slot
    return found


def _pairs(sessions: Sessions, num_known: int) -> tuple[IntArray, IntArray]:
    """Find where a new item and a known one occur together: (pairs,) of each."""
    items = sessions.item_indices
    session = np.repeat(np.arange(sessions.num_sessions), np.diff(sessions.offsets))
    new, known = [], []
    for step in range(1, _REACH + 1):
        is_inside = session[step:] == session[:-step]
        for one, other in ((items[step:], items[:-step]), (items[:-step], items[step:])):
            chosen = is_inside & (one >= num_known) & (other < num_known)
            new.append(one[chosen])
            known.append(other[chosen])
    return np.concatenate(new).astype(np.int64), np.concatenate(known).astype(np.int64)
