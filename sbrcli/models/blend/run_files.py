"""The files of a run whose model is a blend: a folder for each member, and its weight.

A member's folder has its manifest and, unless its weight is 0, its model, so that the blend needs
no other run.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from sbrcli.artefacts.artefact import check_name
from sbrcli.artefacts.items import ITEMS_FILE
from sbrcli.artefacts.run import Run
from sbrcli.errors import ArtefactError, ConfigError
from sbrcli.models.blend.members import BlendScorer, Member
from sbrcli.models.weights_file import WEIGHTS_FILE

MEMBERS_FOLDER = "members"


@dataclass(frozen=True, slots=True)
class MemberEntry:
    """A member as the manifest of a blend states it."""

    run: str
    """Its name when the blend was made, and that of its folder."""

    model: str
    weight: float
    """Its share of the score, 0 to 1."""

    scale: float | None
    """What its scores are multiplied by; None for a baseline, see `Member`."""

    checksum: str
    """The checksum of its model."""


def read_members(run: Run) -> list[MemberEntry]:
    """Return the members of a blend.

    Raises:
        ArtefactError: the manifest is damaged.
    """
    try:
        members = [
            MemberEntry(
                check_name("run", entry["run"]),
                str(entry["model"]),
                _number(entry["weight"]),
                None if entry["scale"] is None else _number(entry["scale"]),
                str(entry["checksum"]),
            )
            for entry in run.network["members"]
        ]
    except (ConfigError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(run, f"its members are not those of a blend: {error!r}") from error
    if not any(member.weight for member in members):
        raise _damaged(run, "no member has a weight")
    return members


def _number(value: object) -> float:
    if not isinstance(value, (int, float)) or not isfinite(value) or value < 0:
        raise ValueError(f"{value} is no weight")
    return value


def member_folder(run: Run, member: MemberEntry) -> Path:
    """Return the folder of a member."""
    return run.path / MEMBERS_FOLDER / member.run


def files_of_blend(run: Run) -> tuple[str, ...]:
    """Return the files that a blend needs, by their paths in its folder.

    Raises:
        ArtefactError: the manifest is damaged.
    """
    used = [member.run for member in read_members(run) if member.weight]
    return (ITEMS_FILE, *(f"{MEMBERS_FOLDER}/{name}/{WEIGHTS_FILE}" for name in used))


def load_blend(run: Run, load_member: Callable[[Path], Member]) -> BlendScorer:
    """Load the models of a blend.

    Args:
        run: the run.
        load_member: loads the model in a folder, with the scale of its loss left open.

    Raises:
        ArtefactError: a file is missing or damaged, or the files do not match.
    """
    members, weights = [], []
    for entry in read_members(run):
        if not entry.weight:
            continue
        try:
            member = load_member(member_folder(run, entry))
        except ArtefactError as error:
            raise ArtefactError(str(error), hint=_AGAIN) from error
        if member.scorer.num_items != run.network.get("num_items"):
            raise _damaged(run, f"member {entry.run} scores another number of items")
        members.append(Member(member.scorer, entry.scale, member.memory_bytes))
        weights.append(entry.weight)
    return BlendScorer(members, weights)


_AGAIN = "make the blend again: sbr blend RUN RUN… --overwrite"


def _damaged(run: Run, what: str) -> ArtefactError:
    return ArtefactError(f"run {run.name} is damaged: {what}", hint=_AGAIN)
