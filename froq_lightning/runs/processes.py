"""What several processes tell each other besides tensors, and whether they are still there."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch.distributed

Value = TypeVar("Value")
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


def process_number() -> int:
    """Return the number of this process, 0 if there is only one."""
    return torch.distributed.get_rank() if _are_several() else 0


def gathered(part: dict[int, Value]) -> dict[int, Value]:
    """Merge the dictionaries of all processes."""
    parts = [part]
    if _are_several():
        parts = [{}] * torch.distributed.get_world_size()
        torch.distributed.all_gather_object(parts, part)
    return {key: value for each in parts for key, value in each.items()}


def _are_several() -> bool:
    return torch.distributed.is_available() and torch.distributed.is_initialized()
