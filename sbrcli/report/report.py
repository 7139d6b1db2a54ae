"""Write a run and its stored results as one page: `sbr report`."""

from dataclasses import dataclass
from pathlib import Path

from sbrcli.artefacts.dataset import Dataset
from sbrcli.artefacts.disk import can_hold_file, replacing
from sbrcli.artefacts.items import ITEMS_FILE, load_items
from sbrcli.artefacts.run import Run
from sbrcli.artefacts.workspace import Workspace
from sbrcli.dataset.storage import load_split
from sbrcli.dataset.unions import load_training_sessions
from sbrcli.errors import ArtefactError, ConfigError
from sbrcli.evaluation.metrics import find_wide_cuts
from sbrcli.models.loading import load_scorer
from sbrcli.models.registry import title_of
from sbrcli.report.commands import (
    evaluate_command,
    full_evaluate_command,
    making_commands,
    report_command,
)
from sbrcli.report.data_section import describe_data
from sbrcli.report.evaluation_section import describe_evaluation, describe_protocol
from sbrcli.report.examples import TOP, find_examples
from sbrcli.report.examples_section import describe_examples
from sbrcli.report.heading import introduce, noun_of, title_page
from sbrcli.report.html import Section, write_commands, write_paragraph
from sbrcli.report.page import write_page
from sbrcli.report.plots import can_draw
from sbrcli.report.slices_section import describe_slices
from sbrcli.report.stored_evaluation import StoredEvaluation, cuts_of, read_stored_evaluation
from sbrcli.report.training_section import describe_training
from sbrcli.reporter import SILENT, Reporter
from sbrcli.workflow.chosen_run import name_run, open_run
from sbrcli.workflow.evaluate import dataset_of
from sbrcli.workflow.train_result import TrainResult, describe_run

_NO_PLOTS = "It has no plots, as matplotlib was not installed where it was made."


@dataclass(frozen=True, slots=True)
class Report:
    """The result of `sbr report`."""

    report: str
    """The file's path."""

    run: str
    bytes: int
    missing: tuple[str, ...]
    """The parts that the page lacks: evaluation, leaderboard, slices."""

    warnings: tuple[str, ...] = ()
    """Warnings about the figures."""

    has_plots: bool = True
    """Whether plots were drawn; False without matplotlib."""


def check_place(path: Path) -> None:
    """Check that a file can be written: its folder exists, and it is not a device.

    Raises:
        ConfigError: the folder is missing, or the path is a device or a folder.
    """
    if not can_hold_file(path):
        raise ConfigError(f"out must be a file in an existing folder. Received: {path}")


def report_run(
    workspace: Workspace, name: str | None, path: Path, reporter: Reporter = SILENT
) -> Report:
    """Write the page of a run to a file: what `sbr report` does.

    Args:
        workspace: the work directory.
        name: the run's; None is the latest.
        path: the file.
        reporter: receives which run it is, and warnings about its figures.

    Raises:
        ConfigError: the file cannot be one; see `check_place`.
        ArtefactError: see `write_report`.
    """
    check_place(path)
    run = open_run(workspace, name, reporter)
    written = write_report(run, workspace, path)
    name_run(run, reporter)
    for text in written.warnings:
        reporter.warn(text)
    return written


def write_report(run: Run, workspace: Workspace, path: Path) -> Report:
    """Write the page of a run to a file, atomically.

    The stored results of `sbr evaluate` are shown; only a few examples are computed.

    Args:
        run: the run.
        workspace: where its dataset is.
        path: the file.

    Raises:
        ArtefactError: the run, its dataset or its evaluation is missing or damaged, or the file
            cannot be written.
    """
    stored = read_stored_evaluation(run)
    dataset = dataset_of(run, workspace)
    content = make_page(run, dataset, stored).encode()
    dataset_of(run, workspace)  # it may have been replaced while it was read
    try:
        with replacing(path) as temporary:
            temporary.write_bytes(content)
    except OSError as error:
        raise ArtefactError(
            f"cannot write {path}: {error.strerror}", hint="name another file with --out"
        ) from error
    return Report(
        str(path), run.name, len(content), _missing(stored), _warnings(stored), can_draw()
    )


def make_page(run: Run, dataset: Dataset, stored: StoredEvaluation | None) -> str:
    """Return the page of a run as text, deterministically.

    Args:
        run: the run.
        dataset: the one that it was trained on.
        stored: its stored evaluation; None if it was not evaluated.

    Raises:
        ArtefactError: the run or its dataset is damaged.
    """
    training = describe_run(run)
    title, noun = title_page(dataset, title_of(run)), noun_of(dataset)
    commands = making_commands(run, dataset)
    scorer, items = load_scorer(run.path), load_items(run.path / ITEMS_FILE)
    learned_from = load_training_sessions(dataset.path, run)
    recall = stored.metrics.get(f"recall@{TOP}") if stored is not None else None
    to_do = full_evaluate_command(run)
    sections = [describe_evaluation(stored, to_do)]
    if stored is not None:
        sections.append(describe_slices(stored.slices, to_do))
    if dataset.splits.get("test") is not None:
        examples = find_examples(scorer, items, load_split(dataset.path, "test"))
        sections.append(describe_examples(examples, scorer.num_items, recall, noun))
    sections.append(_describe_training(run, training))
    sections.append(describe_data(dataset, learned_from, items.train_count))
    sections += [describe_protocol(stored)] if stored is not None else []
    commands += [evaluate_command(run, stored)] if stored is not None else []
    sections.append(_describe_commands([*commands, report_command(run)]))
    introduction = introduce(run, dataset, training, stored)
    return write_page(title, introduction, sections, "" if can_draw() else _NO_PLOTS)


def _describe_training(run: Run, training: TrainResult) -> Section:
    refit = training.refit["epochs"] if training.refit else []
    try:
        return describe_training(
            training.epochs, training.best_epoch or 0, refit, str(training.plan.get("monitor"))
        )
    except (KeyError, TypeError, AttributeError, StopIteration) as error:
        raise ArtefactError(
            f"the manifest of run {run.name} is damaged: its epochs are not what sbr train writes",
            hint="train the run again with --overwrite",
        ) from error


def _describe_commands(commands: list[str]) -> Section:
    words = (
        "These commands make the run again from the log in the current folder. "
        "Options that are not named have their defaults."
    )
    return Section("reproduce", "Reproduce", write_paragraph(words) + write_commands(commands))


def _missing(stored: StoredEvaluation | None) -> tuple[str, ...]:
    if stored is None:
        return ("evaluation", "leaderboard", "slices")
    found = {"leaderboard": stored.leaderboard, "slices": stored.slices}
    return tuple(name for name, rows in found.items() if not rows)


def _warnings(stored: StoredEvaluation | None) -> tuple[str, ...]:
    candidates = stored.protocol.get("candidates") if stored is not None else None
    if stored is None or not isinstance(candidates, int):
        return ()
    return tuple(find_wide_cuts(cuts_of(stored.metrics), candidates))
