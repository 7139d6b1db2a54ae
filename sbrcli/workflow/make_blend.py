"""Make a run of other runs of one dataset: what `sbr blend` does."""

import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sbrcli.artefacts.checksums import FILES, checksum_of, checksums_of
from sbrcli.artefacts.dataset import Dataset
from sbrcli.artefacts.items import ITEMS_FILE
from sbrcli.artefacts.manifests import MANIFEST, new_manifest, utc_now, write_json
from sbrcli.artefacts.run import EpochRow, Run
from sbrcli.artefacts.workspace import Workspace
from sbrcli.errors import ArtefactError, UsageError
from sbrcli.evaluation.validation import validate
from sbrcli.models.blend.members import BlendScorer
from sbrcli.models.blend.run_files import (
    MEMBERS_FOLDER,
    MemberEntry,
    member_folder,
    read_members,
)
from sbrcli.models.registry import BLEND
from sbrcli.models.weights_file import WEIGHTS_FILE
from sbrcli.reporter import SILENT, Reporter
from sbrcli.workflow.begin_run import name_taken
from sbrcli.workflow.blend_job import BlendJob, make_blend_job
from sbrcli.workflow.choose_weights import Choice, choose_weights, load_valid
from sbrcli.workflow.evaluate import dataset_of
from sbrcli.workflow.run_facts import training_seconds


@dataclass(frozen=True, slots=True)
class BlendedRun:
    """One of the runs of a blend."""

    run: str
    model: str
    weight: float
    scale: float | None


@dataclass(frozen=True, slots=True)
class BlendResult:
    """What `sbr blend` reports."""

    run: str
    path: str
    dataset: str
    parameters: int
    members: tuple[BlendedRun, ...]
    metrics: dict[str, float] | None
    """On the valid split; None if there is none that no member was trained on."""

    choice: dict[str, Any] | None
    """How the weights were chosen, see `Choice`; None with equal weights."""

    already_there: bool = False


def blend_runs(
    workspace: Workspace,
    names: Sequence[str],
    name: str | None = None,
    reporter: Reporter = SILENT,
    *,
    is_equal: bool = False,
    overwrite: bool = False,
) -> BlendResult:
    """Make a run of the named runs; see `make_blend_job` and `make_blend`."""
    job = make_blend_job(workspace, names, name, is_equal=is_equal)
    return make_blend(workspace, job, reporter, overwrite=overwrite)


def make_blend(
    workspace: Workspace, job: BlendJob, reporter: Reporter = SILENT, *, overwrite: bool = False
) -> BlendResult:
    """Choose the weights of a blend on valid, and store it as a complete run.

    The folder appears at the end, by one rename. It holds a copy of each member's model.

    Args:
        workspace: where the runs are.
        job: what to blend.
        reporter: receives the number of targets scored.
        overwrite: replace a run of the same name.

    Raises:
        ArtefactError: another run has the name, another process is writing it, or the dataset or a
            run is missing or damaged.
        ConfigError: there is no valid split to choose by, and the weights shall not be equal.
        DataError: the runs know no target of valid.
    """
    if job.name in {run.name for run in job.runs}:
        raise UsageError(
            f"run {job.name} cannot be made of itself", hint="give the blend another --name"
        )
    with workspace.locked("run", job.name):
        found = None if overwrite else workspace.find("run", job.name)
        checksums = [checksum_of(run.path / WEIGHTS_FILE) for run in job.runs]
        if found is not None:
            if not _is_made_of(found, job, checksums):
                raise name_taken(found)
            return _describe(found, already_there=True)
        dataset, started = dataset_of(job.runs[0], workspace), time.monotonic()
        choice = choose_weights(job.runs, dataset, reporter, is_equal=job.is_equal)
        entries = [
            MemberEntry(run.name, run.model, weight, member.scale, checksum)
            for run, weight, member, checksum in zip(
                job.runs, choice.weights, choice.members, checksums, strict=True
            )
        ]
        metrics = _measure(job, dataset, choice, reporter)
        seconds = time.monotonic() - started
        _write(workspace, job, entries, choice, (metrics, seconds))
    for entry in entries:
        if not entry.weight:
            reporter.warn(f"the blend is best without run {entry.run}, whose weight is 0")
    return _describe(workspace.open("run", job.name))


def _measure(
    job: BlendJob, dataset: Dataset, choice: Choice, reporter: Reporter
) -> dict[str, float] | None:
    """Return the metrics of a blend on valid; None without a valid split of its own."""
    valid = load_valid(job.runs, dataset)
    if valid is None:
        return None
    pairs = [pair for pair in zip(choice.members, choice.weights, strict=True) if pair[1]]
    scorer = BlendScorer(*map(list, zip(*pairs, strict=True)))
    with reporter.progress(valid.num_targets, "events", "validate") as advance:
        return validate(scorer, valid, advance)


def _is_made_of(run: Run, job: BlendJob, checksums: list[str]) -> bool:
    """Return whether a run is the blend that a job would make."""
    if run.model != BLEND or run.config != job.config or not run.is_complete:
        return False
    if run.dataset != job.runs[0].dataset:
        return False
    members = read_members(run)
    if [member.checksum for member in members] != checksums:
        return False
    # The options of a baseline are not in the file of its model.
    copies = [Run.read(member_folder(run, member)) for member in members]
    return [(one.model, one.config) for one in copies] == [
        (one.model, one.config) for one in job.runs
    ]


def _write(
    workspace: Workspace,
    job: BlendJob,
    entries: Sequence[MemberEntry],
    choice: Choice,
    measured: tuple[dict[str, float] | None, float],
) -> None:
    """Write the folder of a blend."""
    first, (metrics, seconds) = job.runs[0], measured
    seconds += sum(training_seconds(run) or 0 for run in job.runs)
    epoch: EpochRow = {"epoch": 1, "loss": None, "seconds": seconds, "events_per_second": None}
    epoch |= metrics or dict.fromkeys(("recall@20", "mrr@20", "ndcg@20"))  # pyright: ignore
    used = [run for run, entry in zip(job.runs, entries, strict=True) if entry.weight]
    with workspace.staged("run", job.name) as folder:
        _copy_file(first.path / ITEMS_FILE, folder / ITEMS_FILE)
        files = checksums_of([folder / ITEMS_FILE])
        for run, entry in zip(job.runs, entries, strict=True):
            files |= _copy_member(run, folder / MEMBERS_FOLDER / run.name, entry)
        manifest = new_manifest("run") | {
            "status": "complete",
            "completed_at": utc_now(),
            "model": BLEND,
            "config": job.config,
            "dataset": asdict(first.dataset),
            "network": {
                "num_items": choice.members[0].scorer.num_items,
                "members": [asdict(entry) for entry in entries],
                "choice": choice.to_document(),
            },
            "parameters": sum(run.parameters for run in used),
            "epochs": [epoch],
            "best_epoch": 1,
            "versions": first.versions,
            FILES: files,
        }
        if "learned_from" in first.document:
            manifest["learned_from"] = first.document["learned_from"]
        if any(run.is_refitted for run in job.runs):
            manifest["refit"] = {"epochs": []}
        write_json(folder / MANIFEST, manifest)


def _copy_member(run: Run, folder: Path, entry: MemberEntry) -> dict[str, str]:
    """Copy the manifest of a member and, unless its weight is 0, its model.

    Returns:
        The checksum of its model, by its path in the folder of the blend.

    Raises:
        ArtefactError: the model is no longer the one that the weights were chosen for.
    """
    folder.mkdir(parents=True)
    write_json(folder / MANIFEST, run.document | {FILES: {WEIGHTS_FILE: entry.checksum}})
    if not entry.weight:
        return {}
    _copy_file(run.path / WEIGHTS_FILE, folder / WEIGHTS_FILE)
    if checksum_of(folder / WEIGHTS_FILE) != entry.checksum:
        raise ArtefactError(
            f"run {run.name} has been replaced meanwhile", hint="run the same command again"
        )
    return {f"{MEMBERS_FOLDER}/{run.name}/{WEIGHTS_FILE}": entry.checksum}


def _copy_file(source: Path, target: Path) -> None:
    """Link or copy a file. No file of a run is ever changed in place, so a link is a copy."""
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)


def _describe(run: Run, *, already_there: bool = False) -> BlendResult:
    """Describe a blend, from its own folder alone."""
    row = (run.epochs or [{}])[0]
    metrics = {name: row.get(name) for name in ("recall@20", "mrr@20", "ndcg@20")}
    has_metrics = all(isinstance(value, float) for value in metrics.values())
    return BlendResult(
        run.name,
        str(run.path),
        run.dataset.name,
        run.parameters,
        tuple(BlendedRun(one.run, one.model, one.weight, one.scale) for one in read_members(run)),
        metrics if has_metrics else None,  # pyright: ignore
        run.network.get("choice"),
        already_there,
    )
