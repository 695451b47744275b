"""How several processes share the images of a data set."""

from collections.abc import Iterator, Sized

from lightning.pytorch import Trainer
from torch.utils.data import DistributedSampler


class SharedSampler(DistributedSampler[int | None]):
    """Gives a process every `world`-th position of a data set, in order; no position comes twice, or is left out.

    The Trainer leaves it in place, and passes over an epoch without a single step, while the other processes would wait
    for this one at its end. So a process without any positions gets None, once: a data set of faces makes an empty
    batch of that.

    Args:
        faces: the data set.
        world: number of processes.
        rank: of this process, from 0.
        done: how many of this process's positions are passed over, since they are done already.
    """

    def __init__(self, faces: Sized, world: int = 1, rank: int = 0, done: int = 0) -> None:
        super().__init__(faces, num_replicas=world, rank=rank, shuffle=False)  # type: ignore[arg-type]
        self.share = range(rank, len(faces), world)[done:]

    def __iter__(self) -> Iterator[int | None]:
        return iter(self.share or (None,))

    def __len__(self) -> int:
        return max(1, len(self.share))


def shared_among_processes(faces: Sized, trainer: Trainer | None, done: int = 0) -> SharedSampler:
    """Return the sampler of a trainer's process, which passes over what is done."""
    if trainer is None:
        return SharedSampler(faces, done=done)
    return SharedSampler(faces, trainer.world_size, trainer.global_rank, done)
