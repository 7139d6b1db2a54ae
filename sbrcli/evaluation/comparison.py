"""Runs side by side: what sets them apart, and what came of it."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sbrcli.config import EvaluateConfig, TrainConfig
from sbrcli.errors import ArtefactError
from sbrcli.evaluation.metrics import METRICS, find_wide_cuts
from sbrcli.evaluation.runs import read_evaluation
from sbrcli.folder import Folder
from sbrcli.workspace import Workspace

_TASK = ("events", "sessions", "candidates", "exclude_seen", "coverage")
"""Of an evaluation's protocol: what must agree before figures can be compared."""


@dataclass(frozen=True, slots=True)
class ComparedRun:
    """One run's row."""

    run: str
    protocol: int | None
    """By which of `Comparison.protocols` it was evaluated, from 1; None where it was not."""

    config: dict[str, Any]
    """Its dataset and options, as far as the runs differ in them."""

    parameters: int | None
    metrics: dict[str, float | None]
    """On the split asked for; None where the run was not evaluated at that k."""

    valid_mrr: float | None
    """mrr@20 on valid after the epoch that was kept."""

    seconds: float | None
    """All epochs' training, those of a refit included, without validation."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What `sbr compare` reports."""

    split: str
    sort: str
    protocols: tuple[dict[str, Any], ...]
    """The ways in which the runs were evaluated; figures compare within one of them alone."""

    runs: tuple[ComparedRun, ...]
    """By protocol and, within it, by `sort`; those not evaluated come last."""

    warnings: tuple[str, ...]


def compare_runs(
    workspace: Workspace, names: Sequence[str], config: EvaluateConfig, sort: str
) -> Comparison:
    """Put runs in one table, from their manifests and from the evaluations that they keep.

    Args:
        workspace: where they are.
        names: which; where none is named, all complete ones, but for those that are damaged.
        config: which way of evaluation to read, and the k, its greatest, of the metrics.
        sort: what the runs of one protocol are ordered by: mrr, recall, ndcg, or valid (its
            mrr@20), the best first; or seconds, parameters or run, ascending. A run that lacks
            it comes last.

    Raises:
        ArtefactError: a run that is named is missing, damaged or incomplete, or there is none.
    """
    if names:
        runs = [workspace.open("run", name) for name in dict.fromkeys(names)]
        evaluations = [read_evaluation(run, config) for run in runs]
    else:
        runs, evaluations = _all_runs(workspace, config)
    tasks = [_task(run, found) for run, found in zip(runs, evaluations, strict=True)]
    protocols = [task for at, task in enumerate(tasks) if task and task not in tasks[:at]]
    apart = _differences([_settings(run) for run in runs])
    k = max(config.ks)
    rows = [
        ComparedRun(
            run=run.name,
            protocol=protocols.index(task) + 1 if task else None,
            config=own,
            parameters=run.manifest.get("parameters"),
            metrics={f"{m}@{k}": found.get("metrics", {}).get(f"{m}@{k}") for m in METRICS},
            valid_mrr=_valid_mrr(run),
            seconds=_seconds(run),
        )
        for run, found, task, own in zip(runs, evaluations, tasks, apart, strict=True)
    ]
    return Comparison(
        split=config.split,
        sort=sort,
        protocols=tuple({"protocol": at, **task} for at, task in enumerate(protocols, start=1)),
        runs=tuple(sorted(rows, key=lambda row: _place(row, sort, k))),
        warnings=tuple(_warnings(rows, protocols, config)),
    )


def _all_runs(
    workspace: Workspace, config: EvaluateConfig
) -> tuple[list[Folder], list[dict[str, Any]]]:
    """Open all complete runs, each with its evaluation; warn of those that are damaged."""
    found = [run for run in workspace.folders("run") if run.manifest.get("status") == "complete"]
    runs, evaluations = [], []
    for run in found or [workspace.open("run")]:  # which says that there is none
        try:
            evaluations.append(read_evaluation(run, config))
        except ArtefactError as error:
            if len(found) == 1:
                raise
            workspace.warn(f"{error}; run {run.name} is passed over")
        else:
            runs.append(run)
    return runs, evaluations


def _task(run: Folder, evaluation: dict[str, Any]) -> dict[str, Any]:
    """Say which next items a run was given, among what; nothing where it was not evaluated."""
    if not evaluation:
        return {}
    protocol = evaluation.get("protocol", {})
    return {**_dataset(run), **{name: protocol.get(name) for name in _TASK}}


def _dataset(run: Folder) -> dict[str, Any]:
    dataset = run.manifest.get("dataset", {})
    return {"dataset": dataset.get("name"), "fingerprint": dataset.get("fingerprint")}


def _settings(run: Folder) -> dict[str, Any]:
    """Give a run's dataset and options; those that its sbr did not have yet, as they are now."""
    defaults = json.loads(json.dumps(asdict(TrainConfig())))
    return {"dataset": _dataset(run)["dataset"], **defaults, **run.manifest.get("config", {})}


def _differences(settings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Keep the settings in which not all are alike."""
    names = list(dict.fromkeys(name for one in settings for name in one))
    differing = [n for n in names if any(one.get(n) != settings[0].get(n) for one in settings)]
    return [{name: one.get(name) for name in differing} for one in settings]


def _epochs(run: Folder) -> list[dict[str, Any]]:
    return run.manifest.get("epochs", [])


def _valid_mrr(run: Folder) -> float | None:
    best = run.manifest.get("best_epoch")
    return next((row.get("mrr@20") for row in _epochs(run) if row.get("epoch") == best), None)


def _seconds(run: Folder) -> float | None:
    refit = (run.manifest.get("refit") or {}).get("epochs", [])
    return sum(row.get("seconds") or 0 for row in [*_epochs(run), *refit]) or None


def _place(row: ComparedRun, sort: str, k: int) -> tuple[bool, int, bool, Any, str]:
    """Give what orders the rows."""
    value: Any = {
        "valid": -row.valid_mrr if row.valid_mrr is not None else None,
        "seconds": row.seconds,
        "parameters": row.parameters,
        "run": row.run,
    }.get(sort)
    if sort in METRICS:
        figure = row.metrics[f"{sort}@{k}"]
        value = -figure if figure is not None else None
    return (
        row.protocol is None,
        row.protocol or 0,
        value is None,
        value if value is not None else 0,
        row.run,
    )


def _warnings(
    rows: list[ComparedRun], protocols: list[dict[str, Any]], config: EvaluateConfig
) -> list[str]:
    found = []
    if len(protocols) > 1:
        names = [n for n in protocols[0] if len({str(task[n]) for task in protocols}) > 1]
        if "dataset" in names:
            names.remove("fingerprint")
        found.append(
            f"the runs were evaluated by {len(protocols)} protocols, which differ in "
            f"{', '.join(names)}: their figures can not be compared across these"
        )
    counts = [task["candidates"] for task in protocols if isinstance(task["candidates"], int)]
    found += [text for count in sorted(set(counts)) for text in find_wide_cuts(config.ks, count)]
    option = f" --split {config.split}" if config.split != "test" else ""
    option += " --exclude-seen" if config.exclude_seen else ""
    missing = [row.run for row in rows if row.protocol is None]
    if missing:
        found.append(
            f"not evaluated so far: {', '.join(missing)} (sbr evaluate{option} --run NAME)"
        )
    k = max(config.ks)
    otherwise = [row.run for row in rows if row.protocol and None in row.metrics.values()]
    if otherwise:
        found.append(
            f"not evaluated at k = {k} so far: {', '.join(otherwise)} "
            f"(sbr evaluate{option} -k {k} --run NAME)"
        )
    return found
