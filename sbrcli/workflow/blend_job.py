"""The job of `sbr blend`: which runs to blend, how, and under which name."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sbrcli.artefacts.items import ITEMS_FILE, load_items
from sbrcli.artefacts.run import Run
from sbrcli.artefacts.workspace import Workspace
from sbrcli.errors import ConfigError, UsageError
from sbrcli.models.blend.run_files import read_members
from sbrcli.models.registry import BLEND
from sbrcli.workflow.run_names import hash_options

_MAX_NAME_BYTES = 120


@dataclass(frozen=True, slots=True)
class BlendJob:
    """A blend to be made: of which runs, how, and under which name."""

    runs: tuple[Run, ...]
    name: str
    is_equal: bool

    @property
    def config(self) -> dict[str, Any]:
        """The options, as in the manifest."""
        return {"runs": [run.name for run in self.runs], "equal": self.is_equal}


def make_blend_job(
    workspace: Workspace, names: Sequence[str], name: str | None, *, is_equal: bool
) -> BlendJob:
    """Return the job of blending runs.

    Args:
        workspace: where they are.
        names: theirs, at least two.
        name: the blend's; by default the dataset, the word blend and the runs.
        is_equal: whether all runs get the same weight.

    Raises:
        UsageError: there are fewer than two names, or one twice.
        ArtefactError: a run is missing, damaged or incomplete.
        ConfigError: the runs are of different datasets or items, or one is a blend.
    """
    if len(names) < 2 or len(set(names)) < len(names):
        raise UsageError(
            f"a blend is made of two runs or more, each named once. Received: {' '.join(names)}",
            hint="sbr blend RUN RUN; sbr runs lists them",
        )
    if name is not None:
        workspace.path_of("run", name)
    runs = tuple(workspace.open("run", one) for one in names)
    _require_alike(runs)
    return BlendJob(runs, name or default_name(runs, is_equal=is_equal), is_equal)


def default_name(runs: Sequence[Run], *, is_equal: bool) -> str:
    """Return the default name of a blend, as in user-blend-1x100-markov."""
    dataset = runs[0].dataset.name
    words = [dataset, BLEND, *(run.name.removeprefix(f"{dataset}-") for run in runs)]
    name = "-".join([*words, *(["equal"] if is_equal else [])])
    if len(name.encode()) <= _MAX_NAME_BYTES:
        return name
    return f"{dataset}-{BLEND}-{hash_options({'name': name})}"


def _require_alike(runs: Sequence[Run]) -> None:
    """Check that the runs can be blended."""
    first, ids = runs[0], load_items(runs[0].path / ITEMS_FILE).ids
    for run in runs:
        if run.model == BLEND:
            names = " ".join(member.run for member in read_members(run))
            raise ConfigError(
                f"run {run.name} is a blend, and a blend is made of other runs",
                hint=f"name its own runs: {names}",
            )
        if run.dataset != first.dataset:
            raise ConfigError(
                f"the runs are of different datasets: {first.name} of {first.dataset.name}, "
                f"{run.name} of {run.dataset.name}"
                + (", as it was before" if run.dataset.name == first.dataset.name else ""),
                hint="name runs of one dataset; sbr runs lists them",
            )
        if load_items(run.path / ITEMS_FILE).ids != ids:
            raise ConfigError(
                f"runs {first.name} and {run.name} know different items, as a run trained with "
                "--refit and one without do",
                hint="name runs that were trained on the same events",
            )
