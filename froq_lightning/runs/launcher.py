"""The process that started the others of a run, how they find it, and what it needs to start them."""

import ast
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.context import get_spawning_popen
from pathlib import Path
from traceback import walk_stack

from froq_lightning.errors import ConfigurationError

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


def require_main_guard() -> None:
    """Refuse to be sent to a spawned process that would run the calling script from its start, and fail there.

    Python then waits for ever for that process to read what is sent. So this is to be called while it is pickled.

    Raises:
        ConfigurationError: if the script has started the process outside of `if __name__ == "__main__":`.
    """
    path = Path(getattr(sys.modules["__main__"], "__file__", None) or "")
    if get_spawning_popen() is None or not path.is_file():
        return
    branches = [node for node in ast.walk(ast.parse(path.read_bytes())) if isinstance(node, ast.If)]
    for frame, line in walk_stack(None):
        is_script = frame.f_code.co_name == "<module>" and frame.f_globals.get("__name__") == "__main__"
        if is_script and not any(node.lineno <= line <= (node.end_lineno or line) for node in branches):
            raise ConfigurationError(
                f'Expected {path.name} to start its run under `if __name__ == "__main__":`, since each process of '
                f"`ddp_spawn` imports it, but line {line} stands outside"
            )
