from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from froq_lightning.errors import DataError
from froq_lightning.runs.processes import on_first


def fail() -> None:
    raise MemoryError


def work_that_fails_without_a_word(rank: int) -> Tensor:
    assert on_first(lambda: 7) == (7 if rank == 0 else None)
    with pytest.raises(MemoryError if rank == 0 else DataError, match="" if rank == 0 else "MemoryError"):
        on_first(fail)
    return torch.tensor(rank)


@pytest.mark.slow
def test_what_fails_on_the_first_process_fails_on_all(
    in_two_processes: Callable[[Callable[[int], Any]], list[Any]],
) -> None:
    assert in_two_processes(work_that_fails_without_a_word) == [0, 1]
