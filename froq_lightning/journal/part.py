"""A part of a run over all images of a source, so that jobs which know nothing of each other share them."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from froq_lightning.errors import ConfigurationError

# Parts are counted as users of Slurm's arrays expect it, `sbatch --array=1-1000`.
WRITTEN = re.compile(r"(\d{1,9})/(\d{1,9})")


@dataclass(frozen=True)
class Part:
    """One of several parts.

    Args:
        number: from 1 to `count`.
        count: how many parts there are.
    """

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `17/1000`.

        Raises:
            ConfigurationError: for anything else, and for a number that is not between 1 and the count.
        """
        if not (found := WRITTEN.fullmatch(text)):
            raise ConfigurationError(f"Expected a part as NUMBER/COUNT, such as 17/1000, but got {text!r}")
        number, count = map(int, found.groups())
        if not 1 <= number <= count:
            hint = "; where jobs are counted from 0, add 1 to their numbers" if count and not number else ""
            raise ConfigurationError(f"Expected a part from 1/{max(count, 1)} on to the last, but got {text}{hint}")
        return cls(number, count)

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def share(self, images: int, step: int) -> range:
        """Return the positions of the images that the part is of; it may have none.

        Batch sizes change the last digits of scores. So parts are cut only where the batches of an undivided run end.
        The sizes of two parts differ by `step` images at most, but for the last batch, which may be a smaller one.

        Args:
            images: how many there are in the source.
            step: how many of them all processes of a run take at a time: batch size times number of processes.
        """
        steps = -(-images // step)
        first, end = ((number * steps // self.count) * step for number in (self.number - 1, self.number))
        return range(min(first, images), min(end, images))

    def file(self, output: Path) -> Path:
        """Return the file of the part, beside the output that all parts make together."""
        width = len(str(self.count))
        return output.with_name(f"{output.name}.part-{self.number:0{width}}-of-{self.count}")
