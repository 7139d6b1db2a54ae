"""The top of the page: log, model, date, and the accuracy in one sentence."""

from datetime import datetime

from sbrcli.artefacts.dataset import Dataset, Source
from sbrcli.artefacts.run import Run
from sbrcli.dataset.log_names import name_of_log
from sbrcli.report.html import percent, write_facts, write_text
from sbrcli.report.stored_evaluation import StoredEvaluation, cuts_of
from sbrcli.workflow.train_result import TrainResult

_MOVIELENS = {
    ("u.data", 100_000): "100K",
    ("ratings.dat", 1_000_209): "1M",
    ("ratings.dat", 10_000_054): "10M",
    ("ratings.csv", 20_000_263): "20M",
    ("ratings.csv", 25_000_095): "25M",
    ("ratings.csv", 32_000_204): "32M",
    ("ratings.csv", 100_836): "latest-small",
}
"""The MovieLens logs, by file name and number of rows."""

_FEW_PERCENT = 0.1
"""A smaller percentage is written with a decimal."""


def title_page(dataset: Dataset, model: str) -> str:
    """Return the page's title: the log and the model, as in "MovieLens 1M · GRU4Rec"."""
    return f"{_log_title(dataset.source)} · {model}"


def noun_of(dataset: Dataset) -> str:
    """Return the noun for an item of the log: film, or item for an unknown log."""
    return "film" if _movielens(dataset.source) else "item"


def introduce(
    run: Run, dataset: Dataset, training: TrainResult, stored: StoredEvaluation | None
) -> str:
    """Return the HTML above the sections.

    Args:
        run, dataset: the run, and the dataset that it was trained on.
        training: the result of its training.
        stored: its stored evaluation; None if it was not evaluated.
    """
    version = run.sbr_version or "?"
    facts: dict[str, object] = {}
    if stored is not None:
        k = max(cuts_of(stored.metrics))
        facts |= {
            f"{name}@{k} on test": stored.metrics[f"{name}@{k}"] for name in ("recall", "mrr")
        }
        facts["items ranked"] = stored.protocol.get("candidates")
        facts["next items scored"] = stored.protocol.get("events")
    facts |= {"parameters": training.parameters, "epochs": len(training.epochs)}
    small = f"Run <bdi>{write_text(run.name)}</bdi> on dataset <bdi>"
    small += f"{write_text(dataset.name)}</bdi>, trained {_date_of(run)}by sbr "
    small += write_text(version)
    return (
        f'<p class="meaning">{write_text(state_meaning(training, stored, noun_of(dataset)))}</p>\n'
        f'<p class="small">{small}</p>\n{write_facts(facts)}'
    )


def state_meaning(training: TrainResult, stored: StoredEvaluation | None, noun: str) -> str:
    """State in words what the accuracy means, on test or else on valid."""
    if stored is not None:
        k = max(cuts_of(stored.metrics))
        where, recall = "test", stored.metrics[f"recall@{k}"]
    else:
        k, where = 20, "validation"
        best = [row for row in training.epochs if row.get("epoch") == training.best_epoch]
        recall = best[0].get("recall@20") if best else None
    if recall is None:
        return f"It recommends the next {noun} of a session. It has not been evaluated yet."
    candidates = stored.protocol.get("candidates") if stored is not None else None
    among = f" of {candidates:,}" if isinstance(candidates, int) else ""
    return (
        f"The next {noun} is in the top {k}{among} in {share_in_words(recall)} of cases, "
        f"measured on the {where} split."
    )


def share_in_words(share: float) -> str:
    """Format a share as a percentage: 24 %, 3.2 %, under 0.1 %."""
    if 0 < share < _FEW_PERCENT / 100:
        return f"under {_FEW_PERCENT:g} %"
    return percent(share, 0 if share >= _FEW_PERCENT or share == 0 else 1).text


def _log_title(source: Source) -> str:
    size = _movielens(source)
    return f"MovieLens {size}" if size else name_of_log(source)


def _movielens(source: Source) -> str | None:
    return _MOVIELENS.get((source.name.removesuffix(".gz"), source.rows or 0))


def _date_of(run: Run) -> str:
    """Return the day (UTC) on which a run was completed, as HTML; empty if it is unknown."""
    try:
        moment = datetime.fromisoformat(run.finished_at)
    except ValueError:
        return ""
    iso, shown = moment.date().isoformat(), f"{moment.day} {moment:%B %Y}"
    return f'<time datetime="{iso}">{shown}</time> '
