"""Ctrl-C, and SIGTERM as clusters send it: both end a run in order."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from lightning.pytorch import Callback, LightningModule, Trainer


class Terminated(KeyboardInterrupt):
    """SIGTERM came; the Trainer ends as at Ctrl-C."""


@contextmanager
def interruptible() -> Iterator[None]:
    """Raise what ended a run: KeyboardInterrupt or Terminated, where the Trainer makes a SystemExit of them."""
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


class EndAtSigterm(Callback):
    """Ends `validate`, `predict` and `test` at SIGTERM, which the Trainer notes, but heeds in `fit` alone."""

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take the signal over from the Trainer, which gives it back at its end."""
        del trainer, pl_module
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, _terminate)

    on_predict_start = on_test_start = on_validation_start


def _terminate(number: int, frame: FrameType | None) -> None:
    del number, frame
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # one is enough
    raise Terminated
