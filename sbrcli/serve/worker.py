"""One process that answers requests: it loads the run, serves it, and follows newer ones."""

import asyncio
import contextlib
import gc
import logging
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import uvicorn

from sbrcli.artefacts.checksums import checksum_of
from sbrcli.artefacts.run import Run
from sbrcli.artefacts.workspace import Workspace
from sbrcli.config.serving import ServeConfig
from sbrcli.errors import SbrError
from sbrcli.models.blend.run_files import files_of_blend
from sbrcli.models.registry import BLEND
from sbrcli.models.weights_file import WEIGHTS_FILE
from sbrcli.reporter import SILENT, Reporter
from sbrcli.serve.direct import DirectPath
from sbrcli.serve.http_protocol import protocol_of
from sbrcli.serve.metrics import Metrics
from sbrcli.serve.model import ServedModel
from sbrcli.serve.peers import Peers
from sbrcli.serve.service import Service
from sbrcli.workflow.make_rules import ItemAttributes
from sbrcli.workflow.recommender import open_recommender

FOLLOW_SECONDS = 2.0
"""How often a newer run is looked for."""

DRAIN_SECONDS = 10
"""How long requests that are being answered may take when the service ends."""


@dataclass(frozen=True, slots=True)
class ServedRun:
    """Which run is served, and how."""

    workspace: Workspace
    name: str | None
    """None for the latest one."""

    blend: bool = False
    titles: Path | None = None
    items_table: Path | None = None

    def open(self) -> Run:
        """Open the run.

        Raises:
            ArtefactError: it is missing, damaged or incomplete.
        """
        return self.workspace.open("run", self.name)

    def load(self, run: Run, reporter: Reporter) -> ServedModel:
        """Load a run, and make it ready for the first request.

        Args:
            run: the run.
            reporter: given how the table of attributes was read.

        Raises:
            ArtefactError, DataError: it, the file of titles or the table is damaged.
        """
        recommender = open_recommender(run, blend=self.blend, titles=self.titles)
        table = self.items_table
        attributes = table and ItemAttributes(recommender.items, table, reporter)
        model = ServedModel(recommender, attributes)
        model.warm_up()
        return model

    def identity(self, run: Run) -> str:
        """Return values that change when another run takes the same name, or another hybrid.

        Raises:
            ArtefactError: the manifest of a blend is damaged.
        """
        paths = (path for path in (self.titles, self.items_table) if path is not None)
        files = [path.stat() for path in paths if path.exists()]
        versions = " ".join(f"{one.st_mtime_ns} {one.st_size}" for one in files)
        names = files_of_blend(run) if run.model == BLEND else (WEIGHTS_FILE,)
        if self.blend:
            from sbrcli.models.blend.files import HYBRID_FILE, PARTNER_FILE  # which loads SciPy

            names += (HYBRID_FILE, PARTNER_FILE)  # also of the same run, it may be chosen again
        parts = [run.path / name for name in names]
        # One that is missing is reported by `load`.
        weights = " ".join(checksum_of(path) for path in parts if path.exists())
        return f"{run.name} {run.finished_at} {weights} {versions}"


class Worker:
    """Serves on a listening socket until it is told to end.

    Args:
        served: the run.
        config: the limits.
        token: what requests must carry; None if nothing.
        peers: the workers of the service.
        reporter: receives the runs that are switched to, and those that cannot be loaded.
    """

    def __init__(
        self,
        served: ServedRun,
        config: ServeConfig,
        token: str | None,
        peers: Peers,
        reporter: Reporter,
    ) -> None:
        self._served, self._config, self._peers, self._reporter = served, config, peers, reporter
        # How the table was read is the same for all workers.
        self._table_reporter = reporter if peers.is_first else SILENT
        self._service = Service(config, token, peers, Metrics())

    def run(self, listening: socket.socket, when_ready: Callable[[], None]) -> None:
        """Load the run and answer requests, until SIGTERM or Ctrl-C.

        Args:
            listening: a bound socket.
            when_ready: called when the first request can be answered.

        Raises:
            ArtefactError, DataError: the run cannot be loaded.
        """
        # Its warnings would be a line for each request that is no HTTP; its errors are bugs.
        logging.getLogger("uvicorn").setLevel(logging.ERROR)
        run = self._served.open()
        identity = self._served.identity(run)
        self._service.use(self._served.load(run, self._table_reporter))
        gc.collect()
        gc.freeze()  # no later collection looks through the items of the run
        with asyncio.Runner(loop_factory=_fast_loop()) as runner:
            runner.run(self._serve(listening, identity, when_ready))

    async def _serve(
        self, listening: socket.socket, identity: str, when_ready: Callable[[], None]
    ) -> None:
        await self._peers.listen(self._service.answer_peer)
        server = _Server(self._configured(), self._service)
        following = asyncio.create_task(self._follow(identity)) if self._config.follow else None
        self._service.is_ready = True
        when_ready()
        try:
            await server.serve(sockets=[listening])
        finally:
            if following is not None:
                following.cancel()
            self._peers.close()
            self._service.batcher.close()

    def _configured(self) -> uvicorn.Config:
        return uvicorn.Config(
            self._service.application(),
            http=protocol_of(DirectPath(self._service)),  # pyright: ignore
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=DRAIN_SECONDS,
            backlog=4096,
        )

    async def _follow(self, current: str) -> None:
        """Switch to each newer complete run; report one that cannot be loaded, and keep the old.

        Files that are replaced one after the other fit together again at the next look, so only
        what fails twice in the same way is reported, once.
        """
        failed = reported = ""
        while True:
            await asyncio.sleep(FOLLOW_SECONDS)
            try:
                newer = await asyncio.to_thread(self._served.open)
                found = self._served.identity(newer)
                if found != current:
                    load = self._served.load
                    self._service.use(await asyncio.to_thread(load, newer, self._table_reporter))
                    current = found
                    words = f"serving run {newer.name} on dataset {newer.dataset.name} now"
                    self._reporter.note(words)
                failed = reported = ""
            except (SbrError, OSError) as error:
                if str(error) == failed != reported:
                    self._reporter.warn(f"the newer run is not served: {error}")
                    reported = failed
                failed = str(error)


def _fast_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return the factory of uvloop's event loop if it is installed, else of Python's own."""
    if find_spec("uvloop") is None:
        return None
    import uvloop

    return uvloop.new_event_loop


class _Server(uvicorn.Server):
    """Ends at SIGTERM without passing the signal on, so that the process exits with 0."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end)
        yield

    def _end(self) -> None:
        self._service.is_ready = False
        self.should_exit = True


def fail(error: SbrError) -> None:
    """Write an error to stderr, from a process that has no command line."""
    sys.stderr.write(f"error: {error}\n" + (f"hint: {error.hint}\n" if error.hint else ""))
