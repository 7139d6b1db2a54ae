"""What `/metrics` shows, in the format of Prometheus, over all workers."""

import os
from pathlib import Path
from typing import Any

from sbrcli.serve.answer_texts import Tally

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable by which the client library finds the folder that the workers share."""

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Metrics:
    """The counters of a worker; made after `FOLDER_VARIABLE` is set."""

    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

        # Its own: the values lie in the folder, and a second worker in a process is no mistake.
        registry = CollectorRegistry()

        self._requests = Counter(
            "sbr_requests",
            "Requests, by endpoint and status.",
            ["endpoint", "status"],
            registry=registry,
        )
        self._seconds = Histogram(
            "sbr_request_seconds",
            "Seconds to an answer.",
            ["endpoint"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._sessions = Counter("sbr_sessions", "Sessions recommended for.", registry=registry)
        self._fallbacks = Counter(
            "sbr_fallback_sessions",
            "Sessions answered with the most popular items.",
            registry=registry,
        )
        self._unknown = Counter(
            "sbr_unknown_items", "Items of sessions that the run does not know.", registry=registry
        )
        self._items = Counter(
            "sbr_session_items", "Items of sessions that requests held.", registry=registry
        )
        self._run = Gauge(
            "sbr_run_info",
            "The run that is served.",
            ["run"],
            multiprocess_mode="livemax",
            registry=registry,
        )
        self._run_name: str | None = None
        self._of_requests: dict[tuple[str, int], tuple[Any, Any]] = {}

    def count_request(self, endpoint: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        own = self._of_requests.get((endpoint, status))
        if own is None:
            own = self._requests.labels(endpoint, str(status)), self._seconds.labels(endpoint)
            self._of_requests[endpoint, status] = own
        count, histogram = own
        count.inc()
        histogram.observe(seconds)

    def count_sessions(self, tally: Tally) -> None:
        """Count the sessions of requests that were answered."""
        if tally.sessions:
            self._sessions.inc(tally.sessions)
            self._fallbacks.inc(tally.fallbacks)
            self._unknown.inc(tally.unknown)
            self._items.inc(tally.items)

    def name_run(self, run: str) -> None:
        """State the run that is served now."""
        if self._run_name is not None:
            self._run.labels(self._run_name).set(0)
        self._run.labels(run).set(1)
        self._run_name = run


def write_metrics() -> tuple[bytes, str]:
    """Return the metrics of all workers, and their content type."""
    from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
    from prometheus_client.multiprocess import MultiProcessCollector

    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    return generate_latest(registry), CONTENT_TYPE_LATEST


def forget_worker(process: int) -> None:
    """Leave the gauges of a worker that has ended out; its counters stay."""
    folder = Path(os.environ[FOLDER_VARIABLE])
    for path in folder.glob(f"gauge_live*_{process}.db"):
        path.unlink(missing_ok=True)
