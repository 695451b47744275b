"""Exchange of Python objects between the processes of a run."""

from collections.abc import Callable
from typing import TypeVar

import torch.distributed

from froq_lightning.errors import DataError

Value = TypeVar("Value")


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


def on_first(work: Callable[[], Value]) -> Value | None:
    """Return what some work gives on the first process, None on the others; if it fails, all processes fail.

    Raises:
        DataError: on the others, with the text of the first one's error.
    """
    value, failure, error = None, "", None
    if process_number() == 0:
        try:
            value = work()
        except Exception as raised:  # to be raised again, when the others know
            failure, error = str(raised) or type(raised).__name__, raised
    failure = gathered({process_number(): failure})[0]
    if error is not None:
        raise error
    if failure:
        raise DataError(failure)
    return value


def _are_several() -> bool:
    return torch.distributed.is_available() and torch.distributed.is_initialized()
