"""What the chief of several workers tells the others, and what all of them make alike."""

from dataclasses import dataclass
from typing import Any

from sbrcli.artefacts.run import Phase
from sbrcli.config.run import Precision
from sbrcli.config.training import FitConfig
from sbrcli.config.workers import Cluster
from sbrcli.errors import ConfigError
from sbrcli.workflow.training_job import TrainingJob


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerTask:
    """A phase that all workers train; `asdict` is what the chief sends."""

    settings: dict[str, Any]
    """Of the chief's job."""

    phase: Phase
    epochs: int | None
    """Train this many; None stands for those of the configuration."""

    precision: Precision
    """The precision of the chief's processor."""

    n_sample: int | None

    @classmethod
    def of(
        cls, job: TrainingJob, config: FitConfig, phase: Phase, epochs: int | None
    ) -> "WorkerTask":
        """Return the task of a phase.

        Args:
            job: the chief's.
            config: how the phase is trained.
            phase: which one.
            epochs: as in the task.
        """
        return cls(
            settings=job.settings(),
            phase=phase,
            epochs=epochs,
            precision=config.precision,
            n_sample=config.n_sample,
        )

    def require_same(self, job: TrainingJob) -> None:
        """Check that a worker has been started with the options and the dataset of the chief.

        Raises:
            ConfigError: it has not.
        """
        own = job.settings()
        differing = [name for name, value in self.settings.items() if own.get(name) != value]
        if differing or own.keys() != self.settings.keys():
            names = ", ".join(differing or sorted(own.keys() ^ self.settings.keys()))
            raise ConfigError(
                f"this worker and the chief have been started with another {names}",
                hint="start all workers with the same options, on the same dataset",
            )


def threads_of(config: FitConfig, cluster: Cluster | None) -> int:
    """Return the number of CPU threads of a process; 0 stands for all cores."""
    return config.threads if config.threads or cluster is None else cluster.threads


def require_even_shares(job: TrainingJob, workers: int) -> None:
    """Check that a number of workers can divide the lanes of a training evenly.

    Raises:
        ConfigError: they cannot.
    """
    lanes = job.config.batch_size
    if lanes % workers:
        near = max(workers, round(lanes / workers) * workers)
        raise ConfigError(
            f"{workers} workers cannot divide {lanes} parallel sessions evenly",
            hint=f"--batch-size {near}, or another number of workers",
        )
