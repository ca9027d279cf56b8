"""A real browser without a window, driven by the DevTools protocol over pipes: no driver, no port, no other package.

Source: Chrome DevTools Protocol; ``--remote-debugging-pipe`` reads messages from file descriptor 3 and writes to 4,
each ended by a NUL.
"""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from tests.helpers.interpreters import unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_PATIENCE = 60.0
# Puts the two pipes where the browser looks for them. First out of the way, for they may be there the wrong way round.
_LAUNCH = (
    "import os, sys; mine = [os.dup2(os.dup(int(word)), 100 + i) for i, word in enumerate(sys.argv[1:3])];"
    "[os.dup2(one, 3 + i) for i, one in enumerate(mine)]; os.execvp(sys.argv[3], sys.argv[3:])"
)


@dataclass
class Browser:
    """One page in a running browser.

    Attributes:
        said: what the page's console and the browser's log of it had, exceptions among it.
        requests: addresses that the page asked for, its own aside.
    """

    to: IO[bytes]
    replies: IO[bytes]
    session: str | None = None
    said: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _buffer: bytes = b""

    def call(self, method: str, **params: Any) -> Any:  # noqa: ANN401 - JSON
        """A command of the protocol, and its result."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params}
        if self.session is not None:
            message["sessionId"] = self.session
        self.to.write(json.dumps(message).encode() + b"\0")
        self.to.flush()
        while True:
            reply = self._read()
            if reply.get("id") == number:
                assert "error" not in reply, (method, reply["error"])
                return reply["result"]
            self._note(reply)

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self.replies], [], [], _PATIENCE)
            assert ready, f"the browser said nothing for {_PATIENCE:.0f} seconds"
            more = os.read(self.replies.fileno(), 1 << 20)
            assert more, "the browser ended"
            self._buffer += more
        line, _, self._buffer = self._buffer.partition(b"\0")
        found: dict[str, Any] = json.loads(line)
        return found

    def _note(self, event: dict[str, Any]) -> None:
        params = event.get("params", {})
        if event["method"] == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif event["method"] in {"Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"}:
            self.said.append(json.dumps(params))

    def open(self, path: Path, *, width: int = 1280, height: int = 900, scale: float = 1) -> None:
        """Open a page of this machine and wait until it is there."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=False
        )
        self.call("Page.navigate", url="about:blank")
        self.said.clear()
        address = path.absolute().as_uri()
        self.call("Page.navigate", url=address)
        self.wait(f"location.href.startsWith({json.dumps(address)}) && document.readyState === 'complete'")
        self.requests = [url for url in self.requests if url not in {address, "about:blank"}]

    def prefer(self, **features: str) -> None:
        """What the page's reader prefers: ``color_scheme="dark"``, ``reduced_motion="reduce"``."""
        named = [{"name": f"prefers-{name.replace('_', '-')}", "value": value} for name, value in features.items()]
        self.call("Emulation.setEmulatedMedia", features=named)

    def value(self, expression: str) -> Any:  # noqa: ANN401 - JSON
        """The value of an expression in the page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, expression: str) -> None:
        """Until an expression is true."""
        end = time.monotonic() + _PATIENCE
        while not self.value(expression):
            assert time.monotonic() < end, f"never true: {expression}"
            time.sleep(0.02)

    def text(self, selector: str) -> list[str]:
        """What each element that a selector finds shows."""
        found: list[str] = self.value(f"[...document.querySelectorAll({json.dumps(selector)})].map(e => e.innerText)")
        return found

    def click(self, element: str, *, below: float | None = None) -> None:
        """Press the mouse on an element, which an expression names.

        Args:
            element: the expression.
            below: pixels from its upper edge; by default in its middle.
        """
        place = self._place(element, below)
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            pressed = {} if kind == "mouseMoved" else {"button": "left", "clickCount": 1}
            self.call("Input.dispatchMouseEvent", type=kind, **place, **pressed)

    def point(self, element: str, *, below: float | None = None) -> None:
        """Move the mouse to an element."""
        self.call("Input.dispatchMouseEvent", type="mouseMoved", **self._place(element, below))

    def _place(self, element: str, below: float | None) -> dict[str, float]:
        script = f"""(() => {{
            const at = () => {{
                const box = ({element}).getBoundingClientRect();
                return {{ x: box.x + box.width / 2, y: box.y + ({json.dumps(below)} ?? box.height / 2) }};
            }};
            if (at().y < 0 || at().y > innerHeight) scrollBy(0, at().y - innerHeight / 2);
            return at();
        }})()"""
        found: dict[str, float] = self.value(script)
        return found

    def press(self, key: str, code: int) -> None:
        """A key, by its name and number."""
        text = {"Enter": "\r", " ": " "}.get(key)
        down = {"text": text} if text else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, code=key, windowsVirtualKeyCode=code, **down)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, code=key, windowsVirtualKeyCode=code)

    def type(self, text: str) -> None:
        """Write text where the focus is."""
        self.call("Input.insertText", text=text)

    def picture(self) -> bytes:
        """What is seen, as PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])


@contextlib.contextmanager
def browser() -> Iterator[Browser]:
    """A browser; without one the test is skipped, and fails where it must run."""
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        unavailable("no Chromium or Chrome on this machine")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, contextlib.ExitStack() as stack:
        (their_in, our_out), (our_in, their_out) = os.pipe(), os.pipe()
        argv = [
            program,
            "--headless",
            "--disable-gpu",
            "--remote-debugging-pipe",
            "--no-first-run",
            "--hide-scrollbars",
        ]
        argv += ["--disable-dev-shm-usage", "--disable-background-networking", f"--user-data-dir={folder}/profile"]
        argv += ["--no-sandbox"] if os.geteuid() == 0 else []  # which root cannot have
        log = stack.enter_context(Path(folder, "log").open("wb"))
        process = subprocess.Popen(
            [sys.executable, "-c", _LAUNCH, str(their_in), str(their_out), *argv],
            pass_fds=(their_in, their_out),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, "HOME": folder},
        )
        os.close(their_in)
        os.close(their_out)
        to, replies = stack.enter_context(os.fdopen(our_out, "wb")), stack.enter_context(os.fdopen(our_in, "rb"))
        found = Browser(to=to, replies=replies)
        try:
            target = found.call("Target.createTarget", url="about:blank")["targetId"]
            found.session = found.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            for domain in ("Page", "Runtime", "Log", "Network"):
                found.call(f"{domain}.enable")
            yield found
        finally:
            found.session = None
            with contextlib.suppress(OSError, AssertionError):
                found.call("Browser.close")
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
