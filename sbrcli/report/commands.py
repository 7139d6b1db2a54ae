"""The commands that reproduce a run, derived from the manifests."""

import shlex
from dataclasses import asdict
from typing import Any

from sbrcli.artefacts.dataset import Dataset
from sbrcli.artefacts.run import Run
from sbrcli.config.evaluation import EvaluateConfig
from sbrcli.config.prepare import PrepareConfig
from sbrcli.config.reading import ReadConfig
from sbrcli.config.training import FitConfig
from sbrcli.dataset.spec import OTHER_FILES, DatasetSpec, default_options
from sbrcli.errors import ArtefactError, ConfigError
from sbrcli.models.baselines.options import write_options
from sbrcli.models.baselines.registry import BASELINES, find_baseline, with_options
from sbrcli.models.baselines.run_files import options_of
from sbrcli.models.blend.files import read_choice
from sbrcli.models.blend.run_files import member_folder, read_members
from sbrcli.models.configuration import configure_training
from sbrcli.models.registry import BLEND, DEFAULT_FAMILY, family_of, is_baseline
from sbrcli.report.stored_evaluation import StoredEvaluation, cuts_of
from sbrcli.workflow.blend_job import default_name as default_blend_name
from sbrcli.workflow.contenders import HYBRID
from sbrcli.workflow.run_names import default_run_name
from sbrcli.workflow.run_settings import settings_of
from sbrcli.workflow.train_baseline import default_name
from sbrcli.workflow.training_job import config_of, has_short_sessions


def preprocess_command(dataset: Dataset) -> str:
    """Return the `sbr preprocess` command that made a dataset, with the file names of that time."""
    source = dataset.source
    words = ["sbr", "preprocess", _file_word(source.name)]
    words += _options(dataset.config, default_options())
    for option in OTHER_FILES:
        file = source.others[option]
        if file is not None:
            words += [_flag(option), _file_word(file.name)]
    if _usual_name(dataset) != dataset.name:
        words += ["--name", dataset.name]
    return shlex.join(words)


def train_command(run: Run, dataset: Dataset) -> str:
    """Return the `sbr train` command that made a run, with the options that are not the default.

    Raises:
        ArtefactError: the run's manifest is damaged.
    """
    config, parent = settings_of(run)["config"], run.parent
    if parent is not None:
        return _from_command(run, dataset, config, parent.run)
    if is_baseline(run.model):
        return _baseline_command(run, dataset)
    family, is_short = family_of(run), has_short_sessions(dataset)
    how: dict[str, Any] = {"short_sessions": is_short, "model": family.name}
    usual = configure_training({"optimizer": config["optimizer"]}, None, **how)
    defaults = {name: _listed(value) for name, value in asdict(usual).items()}
    said = {name: value for name, value in config.items() if value != defaults.get(name)}
    words = ["sbr", "train", "--dataset", dataset.name]
    if family.name != DEFAULT_FAMILY:
        words += ["--model", family.name]
    if config["optimizer"] != FitConfig().optimizer:
        words += ["--optimizer", config["optimizer"]]
    words += _options({name: "auto" if v is None else v for name, v in said.items()}, {})
    basis = configure_training({}, None, **how)
    if default_run_name(dataset.name, family, config_of(run), basis) != run.name:
        words += ["--name", run.name]
    return shlex.join(words)


def making_commands(run: Run, dataset: Dataset) -> list[str]:
    """Return the commands that made a run and its dataset; of a blend, those of its members first.

    Raises:
        ArtefactError: a manifest is damaged.
    """
    runs, blended = [run], []
    if run.model == BLEND:
        runs = [Run.read(member_folder(run, member)) for member in read_members(run)]
        is_equal = run.config.get("equal") is True
        words = ["sbr", "blend", *(member.name for member in runs), *["--equal"] * is_equal]
        if default_blend_name(runs, is_equal=is_equal) != run.name:
            words += ["--name", run.name]
        blended = [shlex.join(words)]
    made = [
        train_command(one, dataset) if one.update is None else update_command(one, dataset)
        for one in runs
    ]
    # An update makes its dataset too.
    prepared = [preprocess_command(dataset)] if all(one.update is None for one in runs) else []
    return [*prepared, *made, *blended]


def update_command(run: Run, dataset: Dataset) -> str:
    """Return the `sbr update` command that made a run."""
    assert run.update is not None
    assert run.parent is not None
    config = settings_of(run)["config"]
    said = {name: config[name] for name in ("epochs", "learning_rate")}
    said["replay"] = run.update.replay
    words = ["sbr", "update", _file_word(dataset.source.name), "--run", run.parent.run]
    return shlex.join([*words, *_options(said, {}), "--name", run.name])


def _baseline_command(run: Run, dataset: Dataset) -> str:
    """Return the `sbr train --model` command of a run whose model is a baseline."""
    options, usual = options_of(run), find_baseline(run.model).options()
    words = ["sbr", "train", "--dataset", dataset.name, "--model", run.model]
    words += [f"--{run.model}", write_options(options)] if options != usual else []
    is_usual_name = default_name(dataset, run.model, options) == run.name
    return shlex.join([*words, *([] if is_usual_name else ["--name", run.name])])


def _from_command(run: Run, dataset: Dataset, config: dict[str, Any], parent: str) -> str:
    """Return the `sbr train --from` command of a run; with all options if its parent is missing."""
    try:
        usual = settings_of(Run.read(run.path.with_name(parent)))["config"]
    except ArtefactError:
        usual = {}
    said = {name: "auto" if value is None else value
            for name, value in config.items() if value != usual.get(name, False)}  # fmt: skip
    words = ["sbr", "train", "--dataset", dataset.name, "--from", parent]
    return shlex.join([*words, *_options(said, {}), "--name", run.name])


def evaluate_command(run: Run, stored: StoredEvaluation) -> str:
    """Return the `sbr evaluate` command that reproduces all stored results of a run.

    Raises:
        ArtefactError: the run's hybrid is damaged.
    """
    words = ["sbr", "evaluate", "--run", run.name]
    cuts = cuts_of(stored.metrics)
    if cuts != tuple(sorted(EvaluateConfig().ks)):
        words += [word for k in cuts for word in ("-k", str(k))]
    options = {row.model: row.options for row in stored.leaderboard}
    compared = [model for model in options if model not in (stored.model, HYBRID)]
    if compared:
        words += ["--baselines", "all" if set(compared) == set(BASELINES) else ",".join(compared)]
    for baseline in with_options():
        usual = write_options(baseline.options())
        if baseline.name in compared and options[baseline.name] not in (None, usual):
            words += [f"--{baseline.name}", str(options[baseline.name])]
    if HYBRID in options:
        chosen_for = (read_choice(run.path) or {}).get("taken_from")
        words += ["--hybrid-from", str(chosen_for)] if chosen_for else ["--hybrid"]
    words += ["--slices"] * bool(stored.slices)
    return shlex.join(words)


def full_evaluate_command(run: Run) -> str:
    """Return the `sbr evaluate` command that adds everything that a report can show."""
    return shlex.join(["sbr", "evaluate", "--run", run.name, "--baselines", "all", "--slices"])


def report_command(run: Run) -> str:
    """Return the `sbr report` command of a run."""
    return shlex.join(["sbr", "report", "--run", run.name])


def _options(said: dict[str, Any], defaults: dict[str, Any]) -> list[str]:
    """Return the options that differ from the defaults, as typed."""
    words: list[str] = []
    for name, value in said.items():
        if value == defaults.get(name) or value is None:
            continue
        if isinstance(value, bool):
            words.append(_flag(name) if value else f"--no-{_flag(name)[2:]}")
        else:
            words += [_flag(name), _typed(value)]
    return words


def _typed(value: object) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _listed(value: object) -> object:
    """Return a value as JSON reads it back."""
    return list(value) if isinstance(value, tuple) else value


def _file_word(name: str) -> str:
    return "-" if name == "standard input" else name


def _usual_name(dataset: Dataset) -> str | None:
    """Return the dataset's default name; None if it is unknown."""
    made_with = dataset.config
    # An option that is newer than the dataset had its default.
    options = {name: made_with.get(name, value) for name, value in asdict(PrepareConfig()).items()}
    try:
        config, reading = PrepareConfig(**options), ReadConfig(event=made_with.get("event"))
    except ConfigError:  # made by an sbr with other bounds
        return None
    return DatasetSpec(config, reading, dataset.source).name()
