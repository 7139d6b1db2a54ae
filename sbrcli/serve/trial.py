"""A service that runs for a moment, to be asked once: how `sbr demo` ends."""

import contextlib
import http.client
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sbrcli.errors import ArtefactError

_END_SECONDS = 20
_ANSWER_SECONDS = 60


@contextlib.contextmanager
def serve_for_a_moment(workdir: Path) -> Iterator[int]:
    """Serve the latest run of a work directory on a free port while the body runs.

    Yields:
        The port.

    Raises:
        ArtefactError: the service ends before it is ready.
    """
    command = [sys.executable, "-m", "sbrcli", "--workdir", str(workdir), "serve", "--port", "0"]
    environment = {name: value for name, value in os.environ.items() if name != "SBR_TOKEN"}
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        env=environment,
    ) as process:
        try:
            yield _read_port(process)
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=_END_SECONDS)
            process.kill()


def ask_for_recommendations(port: int, body: str) -> Any:
    """Send a request for recommendations to this machine, and return the document.

    Raises:
        ArtefactError: there is no answer of status 200.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_ANSWER_SECONDS)
    try:
        with contextlib.closing(connection):
            connection.request("POST", "/v1/recommend", body)
            response = connection.getresponse()
            text = response.read().decode()
    except OSError as error:
        raise ArtefactError(f"the service does not answer: {error}") from error
    if response.status != 200:
        raise ArtefactError(f"the service answers with status {response.status}: {text}")
    return json.loads(text)


def _read_port(process: "subprocess.Popen[str]") -> int:
    """Wait until a service is ready, and return its port.

    Raises:
        ArtefactError: it ends before.
    """
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        if found := re.search(r" at http://\S+:(\d+);", line):
            return int(found[1])
        lines.append(line)
    raise ArtefactError("the service ended before it was ready: " + "".join(lines).strip())
