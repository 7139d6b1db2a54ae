"""Facts of a run's manifest that are used to compare runs."""

from typing import Any

from sbrcli.artefacts.run import Run
from sbrcli.workflow.run_settings import plain_config, usual_config

EVALUATION_FILE = "evaluation.json"
"""The file of a run with the latest metrics of each protocol."""


def dataset_facts(run: Run) -> dict[str, Any]:
    """Return the name and the fingerprint of the dataset that a run was trained on."""
    return {"dataset": run.dataset.name, "fingerprint": run.dataset.fingerprint}


def read_settings(run: Run) -> dict[str, Any]:
    """Return a run's dataset, its model, the run that it started from, and its options.

    Options that the run's version of sbr did not have are at their defaults.
    """
    return {
        "dataset": dataset_facts(run)["dataset"],
        "model": run.model,
        "from": run.parent.run if run.parent else None,
        **plain_config(usual_config(run)),
        **run.config,
    }


def find_differing(settings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the settings in which the runs differ, of those that have them.

    A setting that one model alone has is not among them: `model` tells these runs apart.
    """
    names = list(dict.fromkeys(name for one in settings for name in one))
    found = {name: [one[name] for one in settings if name in one] for name in names}
    differing = [name for name, values in found.items() if any(v != values[0] for v in values)]
    return [{name: one.get(name) for name in differing} for one in settings]


def valid_mrr(run: Run) -> float | None:
    """Return mrr@20 on valid after the best epoch; None without valid."""
    rows = run.epochs or []
    return next((row.get("mrr@20") for row in rows if row["epoch"] == run.best_epoch), None)


def training_seconds(run: Run) -> float | None:
    """Return the seconds of all epochs, those of a refit included."""
    refit = run.refit.epochs if run.refit else []
    return sum(row.get("seconds") or 0 for row in [*(run.epochs or []), *refit]) or None
