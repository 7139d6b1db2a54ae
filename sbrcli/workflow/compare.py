"""Compare runs: the options in which they differ, and their metrics."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sbrcli.artefacts.run import Run
from sbrcli.artefacts.workspace import Workspace
from sbrcli.config.evaluation import EvaluateConfig
from sbrcli.errors import ArtefactError
from sbrcli.evaluation.metrics import ALWAYS_STORED, METRICS, find_wide_cuts
from sbrcli.evaluation.paired import RunDifference, find_differences, same_targets
from sbrcli.evaluation.seeds import SeedGroup, seed_share, summarise_seeds
from sbrcli.evaluation.stored_ranks import BEYOND, StoredRanks, ranks_path, read_ranks
from sbrcli.workflow.run_facts import (
    dataset_facts,
    find_differing,
    read_settings,
    training_seconds,
    valid_mrr,
)
from sbrcli.workflow.stored_evaluations import evaluation_key, read_evaluation

_TASK = ("events", "sessions", "candidates", "exclude_seen", "coverage")
"""The entries of a protocol that must agree for figures to be comparable."""


@dataclass(frozen=True, slots=True)
class ComparedRun:
    """One run's row."""

    run: str
    protocol: int | None
    """The number of its protocol in `Comparison.protocols`, from 1; None if it was not
    evaluated."""

    config: dict[str, Any]
    """Its dataset and those options in which the runs differ."""

    parameters: int | None
    metrics: dict[str, float | None]
    """Metrics on the requested split; None if the run was not evaluated at that k."""

    valid_mrr: float | None
    """mrr@20 on valid after the best epoch."""

    seconds: float | None
    """Training time of all epochs, including those of a refit, without validation."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What `sbr compare` reports."""

    split: str
    sort: str
    protocols: tuple[dict[str, Any], ...]
    """The protocols by which the runs were evaluated; figures are comparable only within one."""

    runs: tuple[ComparedRun, ...]
    """Ordered by protocol and, within it, by `sort`; those not evaluated come last."""

    seeds: tuple[SeedGroup, ...]
    """Groups of runs of one protocol that differ only in their seed."""

    differences: tuple[RunDifference, ...]
    """The difference of each run to the first one of its protocol, on the same targets."""

    warnings: tuple[str, ...]


def compare_runs(
    workspace: Workspace, names: Sequence[str], config: EvaluateConfig, sort: str
) -> Comparison:
    """Compare runs by their manifests and their stored evaluations.

    Args:
        workspace: the work directory of the runs.
        names: the runs; if empty, all complete and undamaged ones.
        config: which evaluation to read; its greatest k is that of the metrics.
        sort: the order of the runs of one protocol: mrr, recall, ndcg or valid (mrr@20 on valid),
            best first; or seconds, parameters or run, ascending. A run without it comes last. If no
            run has a figure on valid, mrr is used instead.

    Raises:
        ArtefactError: a named run is missing, damaged or incomplete, or there are no runs.
    """
    if names:
        runs = [workspace.open("run", name) for name in dict.fromkeys(names)]
        evaluations = [read_evaluation(run, config) for run in runs]
    else:
        runs, evaluations = _all_runs(workspace, config)
    tasks = _tasks(runs, evaluations)
    protocols = [task for at, task in enumerate(tasks) if task and task not in tasks[:at]]
    apart = find_differing([read_settings(run) for run in runs])
    k = max(config.ks)
    rows = [
        ComparedRun(
            run=run.name,
            protocol=protocols.index(task) + 1 if task else None,
            config=own,
            parameters=run.parameters,
            metrics={f"{m}@{k}": found.get("metrics", {}).get(f"{m}@{k}") for m in METRICS},
            valid_mrr=valid_mrr(run),
            seconds=training_seconds(run),
        )
        for run, found, task, own in zip(runs, evaluations, tasks, apart, strict=True)
    ]
    if sort == "valid" and all(row.valid_mrr is None for row in rows):
        sort = "mrr"
    rows.sort(key=lambda row: _place(row, sort, k))
    folders = {run.name: run for run in runs}
    seeds = _group_seeds(rows, folders)
    stored = {row.run: _ranks(folders[row.run], row, config) for row in rows}
    return Comparison(
        split=config.split,
        sort=sort,
        protocols=tuple({"protocol": at, **task} for at, task in enumerate(protocols, start=1)),
        runs=tuple(rows),
        seeds=tuple(seeds),
        differences=tuple(_differences_of_runs(rows, stored, seeds, _metric(sort, k))),
        warnings=(*_warnings(rows, protocols, config), *_warnings_of_ranks(rows, stored, config)),
    )


def _metric(sort: str, k: int) -> str:
    """Return the metric in which runs are compared in pairs."""
    return f"{sort if sort in METRICS else 'mrr'}@{k}"


def _by_protocol(rows: list[ComparedRun]) -> Iterator[tuple[int, list[ComparedRun]]]:
    for protocol, own in groupby(rows, key=lambda row: row.protocol):
        if protocol is not None:
            yield protocol, list(own)


def _group_seeds(rows: list[ComparedRun], folders: Mapping[str, Run]) -> list[SeedGroup]:
    """Group the runs of a protocol that differ only in their seed."""
    found = []
    for protocol, own in _by_protocol(rows):
        alike: dict[str, list[ComparedRun]] = {}
        for row in own:
            settings = {n: v for n, v in read_settings(folders[row.run]).items() if n != "seed"}
            alike.setdefault(json.dumps(settings, sort_keys=True), []).append(row)
        found += [
            summarise_seeds(
                protocol,
                [row.run for row in group],
                [row.metrics for row in group],
                [row.valid_mrr for row in group],
            )
            for group in alike.values()
            if len({read_settings(folders[row.run]).get("seed") for row in group}) > 1
        ]
    return found


def _ranks(run: Run, row: ComparedRun, config: EvaluateConfig) -> StoredRanks | None:
    """Read the ranks that an evaluated run stores; None if it stores none."""
    if row.protocol is None or max(config.ks) >= BEYOND:
        return None
    scored = read_evaluation(run, config).get("protocol", {}).get("events")
    return read_ranks(ranks_path(run.path, evaluation_key(config)), scored)


def _differences_of_runs(
    rows: list[ComparedRun],
    stored: Mapping[str, StoredRanks | None],
    seeds: list[SeedGroup],
    metric: str,
) -> Iterator[RunDifference]:
    for protocol, own in _by_protocol(rows):
        alike = same_targets([(row.run, stored[row.run]) for row in own])
        yield from find_differences(protocol, alike, metric, seed_share(seeds, protocol, metric))


def _warnings_of_ranks(
    rows: list[ComparedRun], stored: Mapping[str, StoredRanks | None], config: EvaluateConfig
) -> Iterator[str]:
    """Warn of runs whose evaluation stored no ranks, so that they cannot be paired."""
    lacking = [
        row.run
        for _, own in _by_protocol(rows)
        for row in own
        if len(own) > 1 and stored[row.run] is None
    ]
    if lacking and max(config.ks) < BEYOND:
        yield (
            f"no ranks are stored for a paired comparison of: {', '.join(lacking)} (evaluate "
            f"again: sbr evaluate{_options(config)} --run NAME)"
        )


def _all_runs(
    workspace: Workspace, config: EvaluateConfig
) -> tuple[list[Run], list[dict[str, Any]]]:
    """Open all complete runs, each with its evaluation; warn of those that are damaged."""
    found = [run for run in workspace.open_all("run") if run.is_complete]
    runs, evaluations = [], []
    for run in found or [workspace.open("run")]:  # raises the error that there is no run
        try:
            evaluations.append(read_evaluation(run, config))
        except ArtefactError as error:
            if len(found) == 1:
                raise
            workspace.reporter.warn(f"{error}; skipping run {run.name}")
        else:
            runs.append(run)
    return runs, evaluations


def _tasks(runs: list[Run], evaluations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return each run's task; datasets with the same content have the name of the first of them."""
    called: dict[str | None, str | None] = {}
    found = [_task(run, stored) for run, stored in zip(runs, evaluations, strict=True)]
    for task in filter(None, found):
        task["dataset"] = called.setdefault(task["fingerprint"], task["dataset"])
    return found


def _task(run: Run, evaluation: dict[str, Any]) -> dict[str, Any]:
    """Return what a run was evaluated on: dataset, targets and candidates; empty if it was not."""
    if not evaluation:
        return {}
    protocol = evaluation.get("protocol", {})
    return {**dataset_facts(run), **{name: protocol.get(name) for name in _TASK}}


def _place(row: ComparedRun, sort: str, k: int) -> tuple[bool, int, bool, Any, str]:
    """Return the sort key of a row."""
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
            f"{', '.join(names)}: their figures cannot be compared across these"
        )
    counts = [task["candidates"] for task in protocols if isinstance(task["candidates"], int)]
    found += [text for count in sorted(set(counts)) for text in find_wide_cuts(config.ks, count)]
    option = _options(config)
    missing = [row.run for row in rows if row.protocol is None]
    if missing:
        found.append(f"not yet evaluated: {', '.join(missing)} (sbr evaluate{option} --run NAME)")
    k = max(config.ks)
    evaluated = [row for row in rows if row.protocol]
    always = [f"{name}@{k}" for name in ALWAYS_STORED]
    otherwise = [r.run for r in evaluated if any(r.metrics[name] is None for name in always)]
    earlier = [r.run for r in evaluated if r.run not in otherwise and None in r.metrics.values()]
    if earlier:
        found.append(
            f"evaluated before sbr had all of these metrics: {', '.join(earlier)} (evaluate "
            f"again: sbr evaluate{option} -k {k} --run NAME)"
        )
    if otherwise:
        found.append(
            f"not yet evaluated at k = {k}: {', '.join(otherwise)} "
            f"(sbr evaluate{option} -k {k} --run NAME)"
        )
    return found


def _options(config: EvaluateConfig) -> str:
    """Return the `sbr evaluate` options of an evaluation, each preceded by a space."""
    option = f" --split {config.split}" if config.split != "test" else ""
    return option + (" --exclude-seen" if config.exclude_seen else "")
