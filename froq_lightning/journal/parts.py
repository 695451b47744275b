"""The parts of a run together, checked against each other: none is missing, doubled, or of another run."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, groupby
from pathlib import Path
from typing import Any, Self

from froq_lightning.errors import DataError, DataNotFoundError
from froq_lightning.journal.block import Block
from froq_lightning.journal.journal import differences
from froq_lightning.journal.part_file import PartFile
from froq_lightning.stored_files import address_of, is_address, list_folder

NAME = re.compile(r".+\.part-\d+-of-\d+")
MOST_NAMED = 5
# Paths may differ from machine to machine, so they are not compared: the names of the images are, and of an archive
# its size.
PLACES = ("source", "root")


class Parts:
    """All parts of a run.

    Args:
        files: of the parts, in any order.

    Raises:
        DataError: naming every part that is missing, there twice, or of another run than most are.
    """

    def __init__(self, files: Sequence[PartFile]) -> None:
        self.files = sorted(files, key=lambda file: (file.part.number, file.part.count))
        common, _ = Counter(map(_comparable, self.files)).most_common(1)[0]
        usual = next(file for file in self.files if _comparable(file) == common)
        problems = [*_foreign(self.files, usual), *_doubled(self.files), *_missing(self.files, usual)]
        if problems:
            raise DataError("; ".join(problems))
        self.identity = usual.identity

    @classmethod
    def read(cls, paths: Iterable[Path], *, of: str) -> Self:
        """Read parts.

        Args:
            paths: of their files, and of folders that hold them.
            of: what the parts are of, for messages.

        Raises:
            DataNotFoundError: if there is none.
            DataError: if a file is no part; see `Parts`.
        """
        found = [file for path in paths for file in (part_files(path) if _is_folder(path) else [path])]
        if not found:
            raise DataNotFoundError(
                f"Expected parts of {of}, as `froq predict --part 1/1000` and the like write them, but there are none"
            )
        return cls([PartFile.read(path) for path in found])

    def __str__(self) -> str:
        return f"the run of the {len(self.files)} parts"

    def __len__(self) -> int:
        return int(self.identity["images"]["count"])

    def steps(self) -> list[Iterator[Block]]:
        """Give, for every process of the runs, the blocks of its steps in all parts; one file is open for each."""
        return [self._steps_of(process) for process in range(len(self.files[0].sections))]

    def remarks(self) -> list[str]:
        """Return the warnings that are printed with the scores, each once."""
        machines = sorted({file.machine for file in self.files})
        several = (
            f"the parts were computed on {' and '.join(machines)}: the last digits of scores may differ from those of "
            "one run"
        )
        doubts = dict.fromkeys(remark for file in self.files for remark in file.remarks)
        return [*doubts, *([several] if len(machines) > 1 else [])]

    def _steps_of(self, process: int) -> Iterator[Block]:
        return chain.from_iterable(file.steps_of(process) for file in self.files)


def part_files(folder: Path, output: str = "") -> list[Path]:
    """List the files in a folder that have the name of a part, of one output or of any."""
    if is_address(folder):
        files = [path for name, _ in list_folder(address_of(folder)) if (path := Path(name)).parent == folder]
    else:
        files = [path for path in folder.iterdir() if path.is_file()]
    beginning = f"{output}.part-" if output else ""
    return sorted(path for path in files if NAME.fullmatch(path.name) and path.name.startswith(beginning))


def _is_folder(path: Path) -> bool:
    return path.is_dir() or (is_address(path) and not NAME.fullmatch(path.name))


def _comparable(file: PartFile) -> str:
    return json.dumps(without_places(file.identity), sort_keys=True)


def without_places(identity: Mapping[str, Any]) -> dict[str, Any]:
    """Return of the identity of a run what must be the same in all parts, wherever they are run."""
    data = {name: value for name, value in identity["data"].items() if name not in PLACES}
    if data["archive"] is not None:
        data["archive"] = data["archive"][0]
    return {**identity, "data": data}


def _foreign(files: Sequence[PartFile], usual: PartFile) -> Iterator[str]:
    others = [file for file in files if _comparable(file) != _comparable(usual)]
    for file in others[:MOST_NAMED]:
        found = "; ".join(
            differences(without_places(usual.identity), without_places(file.identity), "{0} is {2}, not {1}")
        )
        yield f"part {file.part} ({str(file)!r}) is of another run than part {usual.part}: {found}"
    if len(others) > MOST_NAMED:
        yield f"{len(others) - MOST_NAMED} more parts are of another run"


def _doubled(files: Sequence[PartFile]) -> Iterator[str]:
    for part, same in groupby(files, key=lambda file: file.part):
        paths = [repr(str(file)) for file in same]
        if len(paths) > 1:
            yield f"part {part} is there {len(paths)} times: {', '.join(paths[:MOST_NAMED])}"


def _missing(files: Sequence[PartFile], usual: PartFile) -> Iterator[str]:
    missing = sorted(set(range(1, usual.part.count + 1)) - {file.part.number for file in files})
    if missing:
        yield f"missing of {usual.part.count} parts: {_ranges(missing)}"


def _ranges(numbers: Sequence[int]) -> str:
    """Write rising numbers as Slurm's `--array` takes them: `3,17-20`."""
    runs = [[number for _, number in run] for _, run in groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0])]
    return ",".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
