"""A headless Chromium that shows one page, spoken to over a pipe by the DevTools protocol.

It listens on descriptor 3 and answers on 4, a NUL byte behind each message.
"""

import base64
import json
import select
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--no-first-run",
    "--remote-debugging-pipe",
)
_PATIENCE_SECONDS = 120
_FAULTS = ("Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled")


def find_chromium() -> str | None:
    """Give the path of a Chromium, or None."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Browser:
    """One open page; `faults` are what its console, its policy and its scripts complained of.

    Args:
        read: what the browser says, unbuffered.
        write: what it is told, unbuffered.
    """

    def __init__(self, read: IO[bytes], write: IO[bytes]) -> None:
        self._read, self._write = read, write
        self._rest, self._number, self._session = b"", 0, ""
        self._happened: list[str] = []
        self.allowed: tuple[str, ...] = ()
        self.faults: list[str] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> Any:
        """Ask for something and wait for the answer."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        message |= {"sessionId": self._session} if self._session else {}
        self._write.write(json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer["error"]
                return answer["result"]

    def open(self, page: Path | str, *, width: int, dark: bool = False) -> None:
        """Show a file or an address in a window of that width, and wait until it is loaded."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=800,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self._happened.clear()
        url = page.absolute().as_uri() if isinstance(page, Path) else page
        self.call("Page.navigate", url=url)
        while "Page.loadEventFired" not in self._happened:
            self._next()

    def run(self, script: str) -> Any:
        """Evaluate an expression in the page and give its value."""
        found = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def screenshot(self) -> bytes:
        """Take a picture of the whole page, as PNG."""
        options = {"format": "png", "captureBeyondViewport": True}
        return base64.b64decode(self.call("Page.captureScreenshot", **options)["data"])

    def close(self) -> None:
        """End the browser."""
        self._session = ""
        self.call("Browser.close")

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._read], [], [], _PATIENCE_SECONDS)
            assert ready, f"Chromium has said nothing for {_PATIENCE_SECONDS} s"
            read = self._read.read(65_536)
            assert read, "Chromium has ended"
            self._rest += read
        text, _, self._rest = self._rest.partition(b"\0")
        message = json.loads(text)
        method = message.get("method", "")
        self._happened.append(method)
        if method in _FAULTS:
            self.faults.append(json.dumps(message["params"]))
        if method == "Network.requestWillBeSent":
            url = message["params"]["request"]["url"]
            is_own = url.startswith(("file:", "data:", *self.allowed))
            self.faults += [] if is_own else [f"a request to {url}"]
        return message


@contextmanager
def open_browser(chromium: str, profile: Path) -> Iterator[Browser]:
    """Start a browser with a profile of its own, which ends with the body."""
    words = (chromium, *_OPTIONS, f"--user-data-dir={profile}")
    process = subprocess.Popen(
        ["sh", "-c", 'exec "$0" "$@" 3<&0 4>&1 0</dev/null 1>/dev/null', *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        browser = Browser(process.stdout, process.stdin)
        yield browser
        browser.close()
        process.wait(timeout=30)
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()
