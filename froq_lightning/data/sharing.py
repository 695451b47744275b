"""How several processes share the images of a data set."""

from collections.abc import Iterator, Sized

from lightning.pytorch import Trainer
from torch.utils.data import DistributedSampler


class SharedSampler(DistributedSampler[int | None]):
    """Gives a process every `world`-th position of a data set, in order; no position comes twice, or is left out.

    The Trainer leaves it in place, and passes over an epoch without a single step, while the other processes would wait
    for this one at its end. So where there are fewer images than processes, one without any gets None, once: a data
    set of faces makes an empty batch of that.

    Args:
        faces: the data set.
        world: number of processes.
        rank: of this process, from 0.
    """

    def __init__(self, faces: Sized, world: int, rank: int) -> None:
        super().__init__(faces, num_replicas=world, rank=rank, shuffle=False)  # type: ignore[arg-type]
        self.share = range(rank, len(faces), world)

    def __iter__(self) -> Iterator[int | None]:
        return iter(self.share or (None,))

    def __len__(self) -> int:
        return max(1, len(self.share))


def shared_among_processes(faces: Sized, trainer: Trainer | None) -> SharedSampler | None:
    """Return the sampler of a trainer's process; None if there is only one."""
    if trainer is None or trainer.world_size == 1:
        return None
    return SharedSampler(faces, trainer.world_size, trainer.global_rank)
