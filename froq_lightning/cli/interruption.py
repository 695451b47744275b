"""Ctrl-C, SIGTERM as clusters send it, and errors: all processes of a run end, and the first one says why."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from subprocess import Popen
from types import FrameType
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

# Exit status of a command that refuses.
REFUSED = 2
SECONDS_TO_END = 1.0


class Terminated(KeyboardInterrupt):
    """SIGTERM was received; the Trainer ends as at Ctrl-C."""


@contextmanager
def interruptible() -> Iterator[None]:
    """Raise the KeyboardInterrupt or Terminated that ended a run, which the Trainer turns into a SystemExit."""
    is_main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, _terminate) if is_main else None
    try:
        yield
    except SystemExit as ended:
        if isinstance(ended.__context__, KeyboardInterrupt):
            raise ended.__context__ from None
        raise
    finally:
        if is_main:
            signal.signal(signal.SIGTERM, before)


class EndAllProcesses(Callback):
    """Ends `validate`, `predict` and `test` at SIGTERM, at which the Trainer itself ends `fit` only.

    If the first process fails, it also takes over the processes that it started from Lightning, one of whose threads
    would kill the first process as soon as another one is dead, perhaps before its error is printed.

    Attributes:
        processes: started by the first process; empty until it fails.
    """

    def __init__(self) -> None:
        self.processes: list[Any] = []

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Handle the signal in place of the Trainer, which restores its own handler at the end."""
        del trainer, pl_module
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, _terminate)

    on_predict_start = on_test_start = on_validation_start

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Take over the processes; Lightning's thread, which watches this very list, ends when it is empty."""
        del pl_module, exception
        started = getattr(trainer.strategy.launcher, "procs", [])
        self.processes = list(started)
        started.clear()

    def end_others(self) -> bool:
        """Kill the other processes, which might wait for this one for ever; return whether one had refused."""
        commands = [process for process in self.processes if isinstance(process, Popen)]
        end = time.monotonic() + SECONDS_TO_END
        while any(command.poll() is None for command in commands) and time.monotonic() < end:
            time.sleep(0.05)
        refused = any(command.poll() == REFUSED for command in commands)
        for process in self.processes:
            process.kill()
        return refused


def _terminate(number: int, frame: FrameType | None) -> None:
    del number, frame
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # one is enough
    raise Terminated
