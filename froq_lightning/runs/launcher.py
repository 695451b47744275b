"""The process that started the others of a run, and how they find it."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

LAUNCHER = "FROQ_LAUNCHER"


@contextmanager
def launching() -> Iterator[None]:
    """Let the processes that this one starts know who started them."""
    os.environ.setdefault(LAUNCHER, str(os.getpid()))
    try:
        yield
    finally:
        if os.environ[LAUNCHER] == str(os.getpid()):
            del os.environ[LAUNCHER]


class Launcher:
    """The process that started this one for a run, if there is one."""

    def __init__(self) -> None:
        self._parent = os.getppid() if os.environ.get(LAUNCHER) == str(os.getppid()) else None

    @property
    def is_gone(self) -> bool:
        """Whether it died, so that nobody waits for this process."""
        return self._parent is not None and os.getppid() != self._parent

    def end(self) -> None:
        """Have it end too, since its run cannot go on without this process."""
        if self._parent is not None and not self.is_gone:
            os.kill(self._parent, signal.SIGTERM)
