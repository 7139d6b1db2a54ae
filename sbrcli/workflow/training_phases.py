"""The phases of a training: fit, and refit."""

import gc
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from sbrcli.artefacts.checksums import FILES, checksums_of
from sbrcli.artefacts.dataset import Dataset
from sbrcli.artefacts.items import ITEMS_FILE
from sbrcli.artefacts.manifests import (
    remove_torn_files,
    update_manifest,
    utc_now,
)
from sbrcli.artefacts.run import Phase, Run
from sbrcli.artefacts.run_state import REFIT_FOLDER
from sbrcli.artefacts.workspace import Workspace
from sbrcli.config.training import CheckpointConfig
from sbrcli.config.workers import Cluster, read_cluster
from sbrcli.errors import ArtefactError, TrainingError
from sbrcli.models.network import Network
from sbrcli.models.training.backend import (
    library_versions,
    multiplies_in_bfloat16,
    start_tensorflow,
)
from sbrcli.models.training.checkpoint import CHECKPOINT_FILE
from sbrcli.models.training.events import LibrariesLoading, OnEvent, TargetsRanked
from sbrcli.models.training.history import best_epoch
from sbrcli.models.training.memory import out_of_memory_explained
from sbrcli.models.training.rendezvous import wait_for_others
from sbrcli.models.training.team_start import join_team, losses_explained
from sbrcli.models.weights_file import WEIGHTS_FILE, load_weights, save_weights
from sbrcli.sessions import Sessions
from sbrcli.workflow.begin_run import network_entries
from sbrcli.workflow.epoch_validation import Validate, measure_on
from sbrcli.workflow.grown_start import SLOTS_FILE, find_grown_start, load_grown_slots
from sbrcli.workflow.judge_lists import judge_lists
from sbrcli.workflow.parent import START_FILE, find_start
from sbrcli.workflow.training_data import (
    TrainingData,
    load_training_data,
    load_valid,
    save_known_items,
)
from sbrcli.workflow.training_job import TrainingJob
from sbrcli.workflow.worker_task import WorkerTask, threads_of


class Phases:
    """The remaining phases of a run, each from its last checkpoint.

    A refit is a second phase: it begins when the manifest contains the epochs and the best epoch of
    the first one. In a cluster, this process is the chief.
    """

    def __init__(
        self,
        workspace: Workspace,
        job: TrainingJob,
        validate: Validate,
        on_event: OnEvent,
        checkpoint: CheckpointConfig,
        cluster: Cluster | None = None,
    ) -> None:
        self.workspace, self.job, self.cluster = workspace, job, cluster
        self.team: Any = None
        self.folder = workspace.path_of("run", job.name)
        self.config = job.config
        self.validate, self.on_event, self.checkpoint = validate, on_event, checkpoint

    def run(self) -> None:
        """Train until the run is complete.

        Raises:
            TrainingError: the loss is not finite; the run is complete if it has usable weights.
        """
        remove_torn_files(self.folder)
        phases: list[Phase] = ["fit", "refit"] if self.config.refit else ["fit"]
        if Run.read(self.folder).phase == "refit":
            phases = ["refit"]
        data = {phase: load_training_data(self.job, phase) for phase in phases}
        valid = load_valid(self.job) if "fit" in data else None
        self._require_same_dataset()
        self.on_event(LibrariesLoading())
        start_tensorflow(threads_of(self.config, self.cluster), self.config.device)
        self._fix_precision()
        if self.cluster is not None:
            if read_cluster() is not None:  # else all were started at once
                wait_for_others(self.cluster, self.workspace.reporter.note)
            self.team = join_team(self.cluster)
        in_team = nullcontext() if self.team is None else losses_explained()
        with in_team, out_of_memory_explained():
            if "fit" in data:
                self._fit(data["fit"], valid)
            if "refit" in data:
                gc.collect()  # the first network can hold gigabytes, in reference cycles
                self._refit(data["refit"])
            if self.team is not None:
                self.team.from_chief(None)  # nothing is left to train
        self._complete(stopped=None)

    def _fix_precision(self) -> None:
        """Choose the precision when the run begins; a resume on another machine keeps it."""
        kept = Run.read(self.folder).precision
        if kept is None:
            in_bfloat16 = multiplies_in_bfloat16(self.config.precision)
            kept = "bfloat16" if in_bfloat16 else "float32"
            self._note({"precision": kept})
        self.config = replace(self.config, precision=kept)

    def _require_same_dataset(self) -> None:
        """Check that the data just read is that of the job's dataset.

        Nothing is read from it after this: it may be replaced while the run is trained.
        """
        dataset = self.job.dataset
        now = Dataset.read(dataset.path).fingerprint
        if now != dataset.fingerprint:
            raise ArtefactError(
                f"dataset {dataset.name} has changed since run {self.folder.name} was started on "
                "it",
                hint="train again, on the dataset as it is now",
            )

    def _fit(self, data: TrainingData, valid: Sessions | None) -> None:
        """Train on train, and store the epochs and the best of them in the manifest."""
        measured = measure_on(valid, self.validate, self.team, self._report_ranked)
        loop = self._make_loop(
            self.folder,
            data,
            **measured,
            start=self._find_start(),
            slots=load_grown_slots(self.folder),
        )
        try:
            history = loop.run()
        except TrainingError as error:
            # The loss is no longer finite in a later epoch: the best epoch before it is a complete
            # run.
            if loop.state.history:
                self._note(self._epochs_in(loop.state.history))
                self._complete(stopped=str(error))
            else:
                # A resume within the first epoch would end in the same way.
                (self.folder / CHECKPOINT_FILE).unlink(missing_ok=True)
            raise
        found = judge_lists(self.job, self.folder, data, valid, self.workspace.reporter)
        phase = "refit" if self.config.refit else "fit"
        self._note(self._epochs_in(history) | {"top_lists": found, "phase": phase})

    def _find_start(self) -> Path | None:
        if self.job.update is not None:
            return find_grown_start(Run.read(self.folder))
        return find_start(self.job.parent, self.folder)

    def _refit(self, data: TrainingData) -> None:
        """Retrain on train and valid; the weights of the run are replaced at the end."""
        folder = self.folder / REFIT_FOLDER
        folder.mkdir(exist_ok=True)
        # A few more items must not change how many negatives are sampled.
        n_sample = self.config.negatives(self.job.shape.num_items)
        loop = self._make_loop(
            folder,
            data,
            config=replace(self.config, n_sample=n_sample),
            phase="refit",
            epochs=Run.read(self.folder).best_epoch,
        )
        try:
            history = loop.run()
        except TrainingError as error:
            self._complete(stopped=str(error))
            raise
        save_known_items(self.folder, data.items, data.train_count)
        save_weights(self.folder / WEIGHTS_FILE, loop.step.variables)
        self._note({"refit": {"epochs": history}, **network_entries(self.job, "refit")})

    def _report_ranked(self, done: int, /, **_figures: object) -> None:
        self.on_event(TargetsRanked(num_targets=done))

    def _make_loop(
        self, folder: Path, data: TrainingData, start: Path | None = None, **settings: Any
    ) -> Any:
        """Return the training loop of a phase; `start` is the file of initial weights, if any."""
        from sbrcli.models.training.loop import TrainingLoop
        from sbrcli.models.training.loop_settings import LoopSettings

        family, shape = self.job.family, data.shape
        config = settings.setdefault("config", self.config)
        if start is not None:
            weights = load_weights(start, shape)
        else:
            weights = family.initial_weights(shape, self.config.seed)

        def make_network() -> Network:
            return family.make_network(shape, config, weights)

        if self.team is None:
            networks = [make_network()]
        else:
            networks = self.team.copies(make_network)
            phase, epochs = settings.get("phase", "fit"), settings.get("epochs")
            self.team.from_chief(asdict(WorkerTask.of(self.job, config, phase, epochs)))
            settings |= {"team": self.team, "copies": networks}
        shared = {
            "folder": folder,
            "network": networks[0],
            "sessions": data.sessions,
            "train_count": data.train_count,
            "validate": None,
            "on_event": self.on_event,
            "warn": self.workspace.reporter.warn,
            "checkpoint_seconds": 60 * self.checkpoint.minutes,
        }
        return TrainingLoop(LoopSettings(**shared | settings))

    def _epochs_in(self, history: list[dict[str, Any]]) -> dict[str, Any]:
        return {"epochs": history, "best_epoch": best_epoch(history, self.config.monitor)}

    def _note(self, facts: dict[str, Any]) -> None:
        update_manifest(self.folder, **facts)

    def _complete(self, stopped: str | None) -> None:
        """Mark the run as complete in the manifest, and delete what it replaced."""
        self._note(
            {
                "status": "complete",
                "completed_at": utc_now(),
                "stopped": stopped,
                "versions": library_versions(),
                FILES: checksums_of(self.folder / name for name in (WEIGHTS_FILE, ITEMS_FILE)),
            }
        )
        for name in (START_FILE, SLOTS_FILE):
            (self.folder / name).unlink(missing_ok=True)
        self.workspace.discard_replaced("run", self.job.name)
