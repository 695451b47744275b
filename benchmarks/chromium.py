"""Chromium without a network, steered through its DevTools protocol over a pipe, which needs no library."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
OPTIONS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND")


class Browser:
    """A browser with one page.

    Args:
        commands: file descriptor that its commands are written to.
        answers: file descriptor that its answers are read from.

    Attributes:
        requests: addresses that the page has asked for.
        complaints: what the page wrote to its console as an error, and what its policy refused.
    """

    def __init__(self, commands: int, answers: int) -> None:
        self._commands, self._answers = os.fdopen(commands, "wb"), os.fdopen(answers, "rb")
        self._number, self._session, self._rest = 0, "", b""
        self.requests: list[str] = []
        self.complaints: list[str] = []
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and wait for its result."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._commands.write(json.dumps(message).encode() + b"\0")
        self._commands.flush()
        while (answer := self._receive()).get("id") != self._number:
            pass
        assert "error" not in answer, answer
        return answer["result"]

    def open(self, path: Path, width: int = 1280, scheme: str = "light", *, script: bool = True) -> None:
        """Open a file in a window of that width, and wait until it is loaded."""
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.send("Emulation.setDeviceMetricsOverride", **metrics)
        self.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.send("Emulation.setScriptExecutionDisabled", value=not script)
        self.send("Page.navigate", url=path.resolve().as_uri())
        while self._receive().get("method") != "Page.loadEventFired":
            pass

    def value(self, expression: str) -> Any:
        """Return the value of an expression in the page, whatever its policy allows."""
        result = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def type(self, text: str) -> None:
        """Type a text into what has the focus."""
        self.send("Input.insertText", text=text)

    def press(self, key: str, code: int, text: str = "") -> None:
        """Press a key, by its name and its Windows code."""
        names = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        self.send("Input.dispatchKeyEvent", type="keyDown", text=text, **names)
        self.send("Input.dispatchKeyEvent", type="keyUp", **names)

    def close(self) -> None:
        """End the browser."""
        self._session = ""
        self.send("Browser.close")
        self._commands.close()
        self._answers.close()

    def _receive(self) -> dict[str, Any]:
        message = bytearray(self._rest)
        while (end := message.find(b"\0", max(len(message) - 2**16, 0))) < 0:
            part = os.read(self._answers.fileno(), 2**16)
            assert part, "the browser has ended"
            message += part
        self._rest = bytes(message[end + 1 :])
        received: dict[str, Any] = json.loads(message[:end])
        self._note(received.get("method", ""), received.get("params", {}))
        return received

    def _note(self, method: str, parameters: dict[str, Any]) -> None:
        if method == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])
        if method == "Log.entryAdded" and parameters["entry"]["level"] == "error":
            self.complaints.append(parameters["entry"]["text"])
        if method == "Runtime.exceptionThrown":
            self.complaints.append(str(parameters["exceptionDetails"]))


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """Start a browser with its profile in that folder, and end it."""
    (commands_out, commands_in), (answers_out, answers_in) = os.pipe(), os.pipe()

    def arrange() -> None:
        # The protocol wants its pipes as descriptors 3 and 4, whatever numbers they have now.
        high = [os.dup2(descriptor, 60 + number) for number, descriptor in enumerate((commands_out, answers_in))]
        os.dup2(high[0], 3, inheritable=True)
        os.dup2(high[1], 4, inheritable=True)

    process = subprocess.Popen(
        [str(CHROMIUM), *OPTIONS, "--remote-debugging-pipe", f"--user-data-dir={profile}"],
        preexec_fn=arrange,  # noqa: PLW1509 - the only way to number descriptors
        close_fds=False,
        stderr=subprocess.DEVNULL,
    )
    os.close(commands_out)
    os.close(answers_in)
    page = Browser(commands_in, answers_out)
    try:
        yield page
    finally:
        page.close()
        process.wait(timeout=30)
