"""A running `sbr serve`, and how it is asked."""

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PATIENCE_SECONDS = 120


@dataclass
class Served:
    """A service, and what it has written to stderr."""

    process: subprocess.Popen[str]
    port: int = 0
    lines: list[str] = field(default_factory=list)

    def ask(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, Any, dict[str, str]]:
        """Send a request on a connection of its own; return status, document and headers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        with contextlib.closing(connection):
            sent = body if isinstance(body, bytes | None) else json.dumps(body)
            connection.request(method, path, sent, headers)
            response = connection.getresponse()
            text = response.read()
            own = {name.lower(): value for name, value in response.getheaders()}
        is_json = own.get("content-type") == "application/json" and text
        return response.status, json.loads(text) if is_json else text.decode(), own

    def post(self, path: str, body: Any) -> Any:
        """Send a request that must succeed, and return its document."""
        status, document, _ = self.ask("POST", path, body)
        assert status == 200, document
        return document

    def wait_for_line(self, words: str) -> str:
        """Wait for a line on stderr that contains words."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            found = next((line for line in self.lines if words in line), None)
            if found is not None:
                return found
            assert self.process.poll() is None, "".join(self.lines)
            time.sleep(0.02)
        raise AssertionError(f"no line with {words!r}: {self.lines}")

    def end(self) -> int:
        """Send SIGTERM, and return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_SECONDS)


@contextlib.contextmanager
def serving(workdir: Path, *words: object, **environment: str) -> Iterator[Served]:
    """Run `sbr serve` on a free port until the body ends."""
    command = [sys.executable, "-m", "sbrcli", "-w", workdir, "serve", "--port", "0", *words]
    with subprocess.Popen(
        [str(word) for word in command],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
        start_new_session=True,
    ) as process:
        served = Served(process)
        reading = threading.Thread(target=_read, args=(process, served.lines), daemon=True)
        reading.start()
        try:
            found = re.search(r"serving at http://[^:]*:(\d+)", served.wait_for_line("serving at"))
            assert found
            served.port = int(found[1])
            yield served
        finally:
            if process.poll() is None:
                process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(20)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            reading.join(5)


def _read(process: subprocess.Popen[str], lines: list[str]) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        lines.append(line)
