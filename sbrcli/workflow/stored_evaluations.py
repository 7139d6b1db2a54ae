"""The metrics that a run stores for each evaluation protocol."""

from dataclasses import asdict
from typing import Any

from sbrcli.artefacts.manifests import read_json, write_json
from sbrcli.artefacts.run import Run
from sbrcli.artefacts.workspace import Workspace
from sbrcli.config.evaluation import EvaluateConfig
from sbrcli.errors import ArtefactError
from sbrcli.evaluation.evaluate import Evaluation
from sbrcli.evaluation.metrics import is_known
from sbrcli.evaluation.ranks import Ranks
from sbrcli.evaluation.stored_ranks import ranks_path, storing_ranks
from sbrcli.reporter import Reporter
from sbrcli.sessions import Sessions
from sbrcli.workflow.run_facts import EVALUATION_FILE

_WRITTEN_AGAIN = "delete it; sbr evaluate writes it again"


def read_evaluation(run: Run, config: EvaluateConfig) -> dict[str, Any]:
    """Read the stored evaluation of a run for a protocol; empty if there is none.

    Raises:
        ArtefactError: the file is damaged.
    """
    found = _kept(run).get(evaluation_key(config), {})
    if not _are_figures(found):
        raise _damaged(run)
    return found


def _kept(run: Run) -> dict[str, Any]:
    path = run.path / EVALUATION_FILE
    try:
        stored: Any = read_json(path) if path.exists() else {}
    except ArtefactError as error:
        raise ArtefactError(str(error), hint=_WRITTEN_AGAIN) from error
    if not isinstance(stored, dict):
        raise _damaged(run)
    return stored


def _are_figures(found: Any) -> bool:
    """Return whether this is an evaluation, by any version of sbr.

    Unknown metrics may have any value.
    """
    if not isinstance(found, dict) or not isinstance(found.get("protocol", {}), dict):
        return False
    metrics = found.get("metrics", {})
    return isinstance(metrics, dict) and all(
        isinstance(value, (int, float)) for name, value in metrics.items() if is_known(name)
    )


def _damaged(run: Run) -> ArtefactError:
    path = run.path / EVALUATION_FILE
    return ArtefactError(f"{path} is damaged: it holds no figures", hint=_WRITTEN_AGAIN)


def store_evaluation(
    run: Run,
    workspace: Workspace,
    config: EvaluateConfig,
    evaluation: Evaluation,
    answered: tuple[Ranks, Sessions],
    reporter: Reporter,
) -> None:
    """Store the metrics and the ranks in the run, or warn that they cannot be stored."""
    # Stored results that were not computed this time are kept.
    found = {key: value for key, value in asdict(evaluation).items() if value is not None}
    try:
        with workspace.adding_to(run):
            found = _extend(read_evaluation(run, config), found)
            with storing_ranks(ranks_path(run.path, evaluation_key(config)), *answered):
                write_json(run.path / EVALUATION_FILE, _kept(run) | {evaluation_key(config): found})
    except ArtefactError as error:
        reporter.warn(f"the metrics are not stored: {error}")


def _extend(stored: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """Merge new metrics into those stored for the same protocol, which may be at other k."""
    for name in ("metrics", "metrics_unknown_as_miss"):
        earlier = stored.get(name)
        if isinstance(earlier, dict):
            found[name] = earlier | found[name]
    return stored | found


def evaluation_key(config: EvaluateConfig) -> str:
    """Return the key of an evaluation, such as "test exclude-seen"."""
    words = [config.split]
    words += ["exclude-seen"] if config.exclude_seen else []
    words += ["notebook-coverage"] if config.notebook_coverage else []
    return " ".join(words)
