"""The file of a part that is done: what its run depended on, and its steps, as its journal had them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, Self

from froq_lightning.atomic_write import atomic_write, signature
from froq_lightning.errors import DataError
from froq_lightning.journal.block import Block
from froq_lightning.journal.journal import Journal
from froq_lightning.journal.part import Part
from froq_lightning.journal.shard import framed, read_blocks
from froq_lightning.stored_files import address_of

MAGIC = b"froq part 1\n"
IS_PART = signature(MAGIC)


@dataclass(frozen=True)
class PartFile:
    """A part that is done.

    Args:
        path: of its file.
        part: which one it is.
        images: positions of its images.
        identity: what its run depended on; see `Journal.identity`.
        machine: that it was computed on, as far as last digits of scores depend on it.
        remarks: warnings about the scores, which `froq merge` prints with them.
        sections: for every process of the run, how many steps it took, and of how many images; the file holds them
            process by process.
    """

    path: Path
    part: Part
    images: range
    identity: Mapping[str, Any]
    machine: str
    remarks: tuple[str, ...]
    sections: tuple[tuple[int, int], ...] = ()

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read all but the steps.

        Raises:
            DataError: if the file holds no part.
        """
        try:
            facts = next(read_blocks(path, MAGIC)).facts
        except StopIteration:
            raise DataError(
                f"Expected a part, as `froq predict --part NUMBER/COUNT` writes it, but {address_of(path)!r} holds none"
            ) from None
        sections = tuple((steps, images) for steps, images in facts["sections"])
        told = facts["identity"], facts["machine"], tuple(facts["remarks"])
        return cls(path, Part(*facts["part"]), range(*facts["images"]), *told, sections)

    def write(self, journal: Journal) -> Self:
        """Write it with the steps of a journal, in which all processes are done; the file appears whole.

        Returns:
            The part with the sections that its file has.

        Raises:
            DataError: if the journal has more or fewer rows than the part has images.
            ConfigurationError: if a file lies there that is no part.
        """
        sections = tuple(map(_section, journal.steps()))
        if (recorded := sum(count for _, count in sections)) != len(self.images):
            raise DataError(f"{journal} has {recorded} rows for the {len(self.images)} images of part {self.part}")
        facts = {
            "part": [self.part.number, self.part.count],
            "images": [self.images.start, self.images.stop],
            "identity": self.identity,
            "machine": self.machine,
            "remarks": self.remarks,
            "sections": sections,
        }
        with atomic_write(self.path, IS_PART) as place, place.open("wb") as file:
            file.write(MAGIC + framed(Block(facts)))
            for steps in journal.steps():
                file.writelines(map(framed, steps))
        return replace(self, sections=sections)

    def __str__(self) -> str:
        return address_of(self.path)

    def steps(self) -> list[Iterator[Block]]:
        """Give, for every process, the blocks of its steps, which raise a DataError where the file is damaged."""
        return [self.steps_of(process) for process in range(len(self.sections))]

    def steps_of(self, process: int) -> Iterator[Block]:
        """Yield the blocks of the steps of a process.

        Raises:
            DataError: if the file is damaged.
        """
        steps, images = self.sections[process]
        earlier = sum(count for count, _ in self.sections[:process])
        for block in islice(read_blocks(self.path, MAGIC, skip=1 + earlier), steps):
            images -= block.facts["samples"]
            yield block
        if images:
            raise DataError(f"part {self.part} ({str(self)!r}) is damaged; run its command again")

    def is_whole(self) -> bool:
        """Whether no step of it is damaged."""
        try:
            return all(True for steps in self.steps() for _ in steps)
        except DataError:
            return False


def _section(steps: Iterator[Block]) -> tuple[int, int]:
    counts = [block.facts["samples"] for block in steps]
    return len(counts), sum(counts)
