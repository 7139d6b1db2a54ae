"""The model card of an exported run, in Markdown: what it is, how it is used, how good it is."""

from collections.abc import Mapping
from types import ModuleType
from typing import Any

from sbrcli.artefacts.run import Run
from sbrcli.config.evaluation import EvaluateConfig
from sbrcli.config.export import ExportConfig
from sbrcli.models.registry import family_of
from sbrcli.version import __version__
from sbrcli.workflow.stored_evaluations import read_evaluation

_NOT_EVALUATED = (
    "It was not evaluated on test before it was exported: `sbr evaluate` computes its figures.\n"
)
_PROTOCOL = {
    "events": "targets",
    "sessions": "sessions",
    "unknown_events": "targets left out as the model does not know the item",
    "candidates": "candidates of each target",
    "first_time": "first event",
    "last_time": "last event",
    "train_last_time": "last event of training",
}
"""What the card states of a protocol, and in which words."""


def write_card(run: Run, config: ExportConfig, model_format: ModuleType, num_items: int) -> str:
    """Return the card of a run.

    Args:
        run: the run.
        config: the licence, and the name of the format.
        model_format: the module of the format; see `sbrcli.models.export.registry`.
        num_items: how many items the model scores.

    Raises:
        ArtefactError: the run's stored evaluation is damaged.
    """
    title = family_of(run).title
    parts = [
        f"# {run.name}\n",
        f"A {title} that recommends the next item of a session, exported by sbr {__version__}. "
        f"It scores {num_items:,} items. Licence: {config.license}.\n",
        "## Inputs\n",
        _write_list(model_format.INPUTS),
        "## Outputs\n",
        _write_list(model_format.OUTPUTS),
        "An item's index is the place of its id in `ids` of `items.json`, counted from 0. Leave "
        "out ids that are not there. The scores order the items of one session; they are not "
        "probabilities.\n",
        "## Use\n",
        f"```python\n{model_format.USE}```\n",
        "## Figures\n",
        _write_figures(run),
        "## Training\n",
        _write_training(run),
    ]
    return "\n".join(parts)


def _write_list(entries: Mapping[str, str]) -> str:
    return "".join(f"- `{name}`: {words}\n" for name, words in entries.items())


def _write_figures(run: Run) -> str:
    ways = {
        "Every item is a candidate": EvaluateConfig(),
        "The session's own items are left out": EvaluateConfig(exclude_seen=True),
    }
    found = {words: read_evaluation(run, config) for words, config in ways.items()}
    parts = [_write_way(words, kept) for words, kept in found.items() if kept]
    return "\n".join(parts) or _NOT_EVALUATED


def _write_way(words: str, kept: Mapping[str, Any]) -> str:
    protocol = kept.get("protocol", {})
    metrics = sorted(kept.get("metrics", {}).items())
    rows = "".join(f"| {name} | {value:.4f} |\n" for name, value in metrics)
    facts = [
        f"{label}: {_in_words(protocol[name])}"
        for name, label in _PROTOCOL.items()
        if protocol.get(name) is not None
    ]
    return (
        f"{words}, on the test split ({'; '.join(facts)}).\n\n| metric | value |\n|---|---|\n{rows}"
    )


def _write_training(run: Run) -> str:
    facts = {
        "dataset": f"{run.dataset.name}, fingerprint `{run.dataset.fingerprint}`",
        "trained": run.finished_at or "not stated",
        "parameters": f"{run.parameters:,}",
        "best epoch": run.best_epoch,
        "trained on valid too": "yes" if run.is_refitted else "no",
    }
    if run.learned_from is not None:
        facts["last event of training"] = run.learned_from.last_time
    options = ", ".join(f"{name} {value}" for name, value in run.config.items())
    lines = [f"- {name}: {value}\n" for name, value in facts.items() if value is not None]
    return "".join(lines) + f"- options: {options}\n"


def _in_words(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)
