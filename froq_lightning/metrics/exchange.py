"""How processes show each other large tensors: in turn, so that none holds more than one of another process."""

from collections.abc import Iterator
from typing import Any

import torch
import torch.distributed
from torch import Tensor
from torchmetrics.utilities.distributed import gather_all_tensors


class Exchange:
    """Tensors of several processes, whose last dimension is of different lengths.

    Args:
        length: of this process's tensors.
        device: that they are on.
        group: of the processes, by default all of them. Where there is only one, nothing is sent.
    """

    def __init__(self, length: int, device: torch.device, group: Any = None) -> None:
        self.group = group
        self.rank = 0
        self.lengths = [length]
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            self.rank = torch.distributed.get_rank()
            lengths = gather_all_tensors(torch.tensor([length], device=device), group)
            self.lengths = torch.cat(lengths).tolist()

    def in_turn(self, own: Tensor) -> Iterator[Tensor]:
        """Yield the `[..., length]` tensor of every process, in the order of the processes."""
        if len(self.lengths) == 1:
            yield own
            return
        numbers = torch.distributed.get_process_group_ranks(self.group or torch.distributed.group.WORLD)
        for source, length in zip(numbers, self.lengths, strict=True):
            shown = own.contiguous() if source == self.rank else own.new_empty(*own.shape[:-1], length)
            torch.distributed.broadcast(shown, source, self.group)
            yield shown
