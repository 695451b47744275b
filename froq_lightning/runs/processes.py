"""Exchange of Python objects between the processes of a run."""

from typing import TypeVar

import torch.distributed

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


def _are_several() -> bool:
    return torch.distributed.is_available() and torch.distributed.is_initialized()
