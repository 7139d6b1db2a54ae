"""Business rules on what may be recommended, applied to the items of a run."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from sbrcli.artefacts.items import RunItems

IntArray = npt.NDArray[np.integer]
FloatArray = npt.NDArray[np.floating]
BoolArray = npt.NDArray[np.bool_]

SEEN = "seen"
"""The rule that a session's own items are not recommended again."""


@dataclass(frozen=True, slots=True)
class Cap:
    """A limit on the recommended items of each group, such as a category.

    Args:
        name: the rule's.
        groups: (num_items,) the group of each item; below 0 for an item of no group, which counts
            towards none.
        most: how many of each group.
    """

    name: str
    groups: IntArray
    most: int


@dataclass(frozen=True, slots=True)
class Rules:
    """Which items of a run are candidates, and how many of a group are recommended at most.

    Args:
        num_items: the number of the run's items.
        names: the rules that remove items whatever the session, in their order.
        removed_by: (num_items,) the first of `names` that removes an item; -1 for candidates.
        caps: the limits of groups.
        unknown: the ids that a rule lists and the run does not know, by rule.
    """

    num_items: int
    names: tuple[str, ...] = ()
    removed_by: IntArray | None = None
    caps: tuple[Cap, ...] = ()
    unknown: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def are_given(self) -> bool:
        """Whether there is any rule."""
        return bool(self.names or self.caps)

    def with_kept(self, name: str, is_kept: BoolArray) -> "Rules":
        """Add a rule that keeps the items for which `is_kept`, (num_items,), is true."""
        before = np.full(self.num_items, -1, np.int16)
        before = before if self.removed_by is None else self.removed_by
        removed_by = np.where((before < 0) & ~is_kept, np.int16(len(self.names)), before)
        return replace(self, names=(*self.names, name), removed_by=removed_by)

    def with_cap(self, cap: Cap) -> "Rules":
        """Add a limit."""
        return replace(self, caps=(*self.caps, cap))

    def with_ids(
        self, items: RunItems, *, only: Iterable[str] | None = None, exclude: Iterable[str] = ()
    ) -> "Rules":
        """Add rules that keep or remove listed items.

        Args:
            items: the run's items.
            only: ids of the items that may be recommended; None for all.
            exclude: ids of items that may not.
        """
        rules = self
        for name, listed in (("only", only), ("exclude", tuple(exclude) or None)):
            if listed is None:
                continue
            ids = tuple(dict.fromkeys(listed))
            is_listed = np.zeros(self.num_items, np.bool_)
            is_listed[[items.index_of[one] for one in ids if one in items.index_of]] = True
            rules = rules.with_kept(name, is_listed if name == "only" else ~is_listed)
            unknown = tuple(one for one in ids if one not in items.index_of)
            rules = replace(rules, unknown=rules.unknown | {name: unknown})
        return rules

    def remove_from(self, scores: FloatArray) -> None:
        """Make the scores of removed items -inf, in place: (rows, num_items)."""
        if self.removed_by is not None:
            penalty = np.where(self.removed_by < 0, 0, -np.inf).astype(scores.dtype)
            scores += penalty

    @property
    def unknown_counts(self) -> dict[str, int] | None:
        """How many ids of each list the run does not know; None if it knows all."""
        return {name: len(ids) for name, ids in self.unknown.items() if ids} or None

    def count_removed(self, seen: IntArray | None) -> dict[str, int]:
        """Count the candidates that each rule removes, after the rules before it.

        Args:
            seen: the session's items, each once; None if they are candidates.
        """
        counts = {} if seen is None else {SEEN: len(seen)}
        if self.removed_by is None:
            return counts
        removed = np.bincount(self.removed_by + 1, minlength=len(self.names) + 1)
        if seen is not None:
            removed -= np.bincount(self.removed_by[seen] + 1, minlength=len(self.names) + 1)
        return counts | dict(zip(self.names, removed[1:].tolist(), strict=True))

    def choose_within_caps(self, best: Sequence[int], k: int, skipped: dict[str, int]) -> list[int]:
        """Choose the first k items that the caps allow.

        Args:
            best: item indices, best first.
            k: how many.
            skipped: for each cap, increased by the number of items that it excluded.

        Returns:
            The items; fewer than k if `best` has no more.
        """
        taken: list[dict[int, int]] = [{} for _ in self.caps]
        chosen: list[int] = []
        for item in best:
            if len(chosen) == k:
                break
            groups = [int(cap.groups[item]) for cap in self.caps]
            full = next(
                (
                    cap.name
                    for cap, group, counts in zip(self.caps, groups, taken, strict=True)
                    if group >= 0 and counts.get(group, 0) >= cap.most
                ),
                None,
            )
            if full is not None:
                skipped[full] = skipped.get(full, 0) + 1
                continue
            for group, counts in zip(groups, taken, strict=True):
                counts[group] = counts.get(group, 0) + 1
            chosen.append(item)
        return chosen
