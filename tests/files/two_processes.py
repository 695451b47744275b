"""Two processes that gather what each of them has."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch


def _run(rank: int, work: Callable[[int], Any], folder: str) -> None:
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=2)
    torch.save(work(rank), f"{folder}/rank{rank}.pt")
    torch.distributed.destroy_process_group()


@pytest.fixture(scope="session")
def in_two_processes(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Callable[[int], Any]], list[Any]]:
    """Calls a function of a test module with its rank in two processes; returns the tensors that either gave."""

    def run(work: Callable[[int], Any]) -> list[Any]:
        if not torch.distributed.is_gloo_available():
            pytest.skip("needs torch built with gloo")
        folder = tmp_path_factory.mktemp("processes")
        with pytest.MonkeyPatch.context() as patch:
            # A child process finds the module by its name below the root of the repository.
            patch.syspath_prepend(str(Path(__file__).parents[2]))
            torch.multiprocessing.spawn(_run, args=(work, str(folder)), nprocs=2)
        return [torch.load(folder / f"rank{rank}.pt", weights_only=True) for rank in (0, 1)]

    return run
