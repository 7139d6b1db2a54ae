"""Write a run's network for another runtime: what `sbr export` does."""

import json
import os
import shutil
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sbrcli.artefacts.checksums import checksum_of
from sbrcli.artefacts.disk import TEMPORARY_SUFFIX, flush_files, put_in_place
from sbrcli.artefacts.items import ITEMS_FILE, RunItems, load_items
from sbrcli.artefacts.run import Run
from sbrcli.artefacts.workspace import Workspace
from sbrcli.config.export import ExportConfig
from sbrcli.errors import ArtefactError, ConfigError
from sbrcli.models.export.exportable import Exportable, as_exportable
from sbrcli.models.export.registry import FORMATS
from sbrcli.models.loading import shape_of_run
from sbrcli.models.registry import family_of
from sbrcli.models.weights_file import WEIGHTS_FILE, load_weights
from sbrcli.reporter import SILENT, Reporter
from sbrcli.version import __version__
from sbrcli.workflow.chosen_run import name_run, open_run
from sbrcli.workflow.model_card import write_card
from sbrcli.workflow.run_facts import EVALUATION_FILE

EXPORT_FILE = "export.json"
"""Within an exported folder: of which run it was made, and how."""

CARD_FILE = "README.md"
IDS_FILE = "items.json"


@dataclass(frozen=True, slots=True)
class Export:
    """What `sbr export` has written."""

    path: str
    """The folder."""

    format: str
    bytes: int
    run: str
    files: tuple[str, ...]
    """The files in the folder, by their paths within it."""

    is_new: bool = True
    """False if the folder was there already, made of the same run in the same way."""


def default_folder(run: Run, config: ExportConfig) -> Path:
    """Return the folder that an export is written to unless another is named."""
    return Path(f"{run.name}-{config.format}")


def export_named(
    workspace: Workspace,
    name: str | None,
    config: ExportConfig,
    folder: Path | None,
    reporter: Reporter = SILENT,
    *,
    overwrite: bool = False,
) -> Export:
    """Export the named run, or the latest, and report which one it is.

    Args:
        workspace: where the run is.
        name: its name; None for the latest.
        config: the format, and what the card states.
        folder: the folder to make; by default named after the run and the format.
        reporter: receives the name of the run.
        overwrite: replace a folder that an earlier export has written.

    Raises:
        ArtefactError, ConfigError: see `open_run` and `export_run`.
    """
    run = open_run(workspace, name, reporter)
    folder = default_folder(run, config) if folder is None else folder
    exported = export_run(run, config, folder, overwrite=overwrite)
    name_run(run, reporter)
    return exported


def export_run(run: Run, config: ExportConfig, folder: Path, *, overwrite: bool = False) -> Export:
    """Write a run's network, its items and a model card into a new folder, in one step.

    Args:
        run: a complete run.
        config: the format, and what the card states.
        folder: the folder to make.
        overwrite: replace a folder that an earlier export has written.

    Raises:
        ConfigError: a package that the format needs is missing, the run's model cannot be
            exported, or the folder is something else than an export.
        ArtefactError: the run is damaged, an export of something else is there, or the folder
            cannot be written.
    """
    _require_packages(config)
    family = as_exportable(family_of(run))
    if family is None:
        raise ConfigError(f"a {run.model} cannot be exported. Received: run {run.name}")
    source = _describe_source(run, config)
    if _is_written(folder, source, overwrite):
        return _describe(folder, source, is_new=False)
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}{TEMPORARY_SUFFIX}")
    try:
        temporary.mkdir()
        _write(family, run, config, source, temporary)
        flush_files(temporary)
        _replace(temporary, folder)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        raise ArtefactError(
            f"cannot write {folder}: {why}", hint="name another folder with --out"
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return _describe(folder, source, is_new=True)


def _require_packages(config: ExportConfig) -> None:
    for package in FORMATS[config.format].requires:
        if find_spec(package) is None:
            raise ConfigError(
                f"format {config.format} needs the package {package}, which is not installed",
                hint=f"pip install {package}, or pip install '.[export]' in the folder of sbr",
            )


def _describe_source(run: Run, config: ExportConfig) -> dict[str, Any]:
    """Return what an export is made of; the same entries mean the same export."""
    figures = run.path / EVALUATION_FILE
    return {
        "kind": "export",
        "sbr_version": __version__,
        "format": config.format,
        "license": config.license,
        "run": run.name,
        "model": run.model,
        "weights": checksum_of(run.path / WEIGHTS_FILE),
        "items": checksum_of(run.path / ITEMS_FILE),
        "evaluation": checksum_of(figures) if figures.exists() else None,
        "dataset": run.dataset.name,
        "fingerprint": run.dataset.fingerprint,
    }


def _is_written(folder: Path, source: dict[str, Any], overwrite: bool) -> bool:
    """Return whether a folder holds the same export.

    Raises:
        ConfigError: it is there and is no export, or there is no folder to make it in.
        ArtefactError: it is another export, and is not to be overwritten.
    """
    if not folder.parent.is_dir():
        raise ConfigError(f"out must be a folder in one that is there. Received: {folder}")
    if not folder.exists() and not folder.is_symlink():
        return False
    found = _read_source(folder)
    if found is None:
        raise ConfigError(
            f"{folder} is there, and was not written by sbr export",
            hint="name another folder with --out",
        )
    if found != source and not overwrite:
        raise ArtefactError(
            f"{folder} holds another export, of run {found.get('run')}",
            hint="replace it with --overwrite, or name another folder with --out",
        )
    return found == source


def _read_source(folder: Path) -> dict[str, Any] | None:
    """Return what the export in a folder is made of; None if there is none."""
    try:
        found: Any = json.loads((folder / EXPORT_FILE).read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and found.get("kind") == "export" else None


def _write(
    family: Exportable, run: Run, config: ExportConfig, source: dict[str, Any], folder: Path
) -> None:
    shape = shape_of_run(run)
    weights = load_weights(run.path / WEIGHTS_FILE, shape)
    items = load_items(run.path / ITEMS_FILE)
    model_format = FORMATS[config.format].load()
    model_format.write(family, shape, weights, folder)
    _write_json(folder / IDS_FILE, _describe_items(items))
    card = write_card(run, config, model_format, len(items.ids))
    (folder / CARD_FILE).write_text(card, encoding="utf-8")
    _write_json(folder / EXPORT_FILE, source)


def _describe_items(items: RunItems) -> dict[str, Any]:
    """Return the ids, and the titles if there are any; an item's index is its place."""
    document: dict[str, Any] = {"ids": items.ids}
    return document if items.titles is None else document | {"titles": items.titles}


def _write_json(path: Path, document: dict[str, Any]) -> None:
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="ascii")


def _replace(new: Path, folder: Path) -> None:
    """Rename the new folder into its place, and delete what it replaces."""
    replaced = new.with_name(f".{folder.name}.{os.getpid()}.old{TEMPORARY_SUFFIX}")
    if folder.exists():
        folder.rename(replaced)
    put_in_place(new, folder, replaced)
    shutil.rmtree(replaced, ignore_errors=True)


def _describe(folder: Path, source: dict[str, Any], *, is_new: bool) -> Export:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return Export(
        path=str(folder),
        format=source["format"],
        bytes=sum(path.stat().st_size for path in paths),
        run=source["run"],
        files=tuple(path.relative_to(folder).as_posix() for path in paths),
        is_new=is_new,
    )
