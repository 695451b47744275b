"""What several processes tell each other besides tensors."""

from typing import TypeVar

import torch.distributed

Value = TypeVar("Value")


def gathered(part: dict[int, Value]) -> dict[int, Value]:
    """Merge the dictionaries of all processes."""
    parts = [part]
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        parts = [{}] * torch.distributed.get_world_size()
        torch.distributed.all_gather_object(parts, part)
    return {key: value for each in parts for key, value in each.items()}
