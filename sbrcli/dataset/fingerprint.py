"""Identify a dataset by a hash of its content, not of its files' bytes."""

import hashlib
import json
from collections.abc import Mapping

import numpy as np

from sbrcli.dataset.storage import Items
from sbrcli.sessions import Sessions


def fingerprint(items: Items, splits: Mapping[str, Sessions]) -> str:
    """Hash item ids and each split's sessions, item indices, times and targets.

    Datasets with the same fingerprint train the same model, regardless of what wrote their files
    and of the log's session ids.

    Args:
        items: the dataset's items; titles are ignored.
        splits: sessions by the split's name.

    Returns:
        SHA-256 in hexadecimal digits.
    """
    digest = hashlib.sha256(json.dumps(items.ids).encode())
    for name in sorted(splits):
        sessions = splits[name]
        kind = np.asarray(sessions.timestamps).dtype.kind
        digest.update(f"{name} {sessions.num_sessions} {kind}".encode())
        # A fixed byte order and width, so that every machine computes the same hash.
        digest.update(np.ascontiguousarray(sessions.offsets, dtype="<i8").data)
        digest.update(np.ascontiguousarray(sessions.item_indices, dtype="<i4").data)
        digest.update(np.ascontiguousarray(sessions.timestamps, dtype=f"<{kind}8").data)
        if sessions.targets is not None:
            digest.update(np.packbits(sessions.targets).data)
    return digest.hexdigest()
