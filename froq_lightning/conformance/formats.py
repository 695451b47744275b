"""What the tests of an output format call to know that it keeps its contract."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np

from froq_lightning.defects.components import COMPONENTS, UNKNOWN
from froq_lightning.errors import ExtensionError
from froq_lightning.formats.format import Content, Format, write_file
from froq_lightning.runs.prediction import Embeddings
from froq_lightning.runs.quality_batch import ScoredRow

# What `check_format` writes: an image that failed, a remark, and names as they come from strangers' folders.
ROWS = (
    ScoredRow(0, "plain.jpg", 1.5, 73, "ok", ""),
    ScoredRow(1, 'a, "quoted"; name.jpg', None, -1, "failed", "file is empty"),
    ScoredRow(2, "./=1+1.jpg", -0.123456789012345, 0, "ok", "blur 2.5"),
    ScoredRow(3, "\u5b57\u00e9 <b>&amp;\\x1b.jpg", 1e-30, 100, "ok", ""),
)
MEASURED = tuple(row.measured(range(len(COMPONENTS)) if row.status == "ok" else UNKNOWN) for row in ROWS)
EMBEDDINGS = np.where(np.arange(4)[:, None] == 1, np.nan, np.arange(12).reshape(4, 3)).astype("<f4")


@dataclass(frozen=True)
class KnownResults:
    """Results of a run that did not take place.

    Args:
        records: of the images.
        vectors: `[N, D]` float32 embeddings, NaN for images that failed.
        fails: whether an error is raised after the last of them.
        names: of the components in the records.
    """

    records: Sequence[ScoredRow]
    vectors: Embeddings
    fails: bool = False
    names: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.records)

    def rows(self) -> Iterator[ScoredRow]:
        """Yield the rows."""
        yield from self.records
        self._end()

    def components(self) -> tuple[str, ...]:
        """Return the names of the components."""
        return self.names

    def dimension(self) -> int:
        """Return D."""
        return self.vectors.shape[1]

    def embeddings(self, at_once: int) -> Iterator[Embeddings]:
        """Yield the embeddings in blocks."""
        yield from (self.vectors[start : start + at_once] for start in range(0, len(self), at_once))
        self._end()

    def _end(self) -> None:
        if self.fails:
            raise InterruptedError("the run was interrupted")


def check_format(format_: Format, folder: Path) -> Path:
    """Check that a format keeps its contract.

    Checked are: its suffixes; that it writes odd names, failed images and runs without an image; that it knows its own
    files, and takes no other file for one; that an error of the run reaches the caller, and leaves the old file.

    Args:
        format_: to check.
        folder: an empty one, to write to.

    Returns:
        The file that holds `ROWS` or `EMBEDDINGS`, for the test to read again.

    Raises:
        ExtensionError: saying what is wrong.
    """
    _check_declarations(format_)
    path = folder / f"results{format_.suffixes[-1]}"
    nothing, measured = KnownResults(ROWS[:0], EMBEDDINGS[:0, :0]), KnownResults(MEASURED, EMBEDDINGS, names=COMPONENTS)
    for results in (nothing, measured, KnownResults(ROWS, EMBEDDINGS)):  # each replaces the one before
        write_file(format_, path, results)
        if path.stat().st_size and not format_.is_own(path):
            raise ExtensionError(f"`is_own` does not know {path.name}, which the format wrote: it is never replaced")
    _check_other_files(format_, folder)
    written = path.read_bytes()
    try:
        write_file(format_, path, KnownResults(ROWS, EMBEDDINGS, fails=True))
    except InterruptedError:
        pass
    else:
        raise ExtensionError("the format swallows errors of the run, and so publishes an unfinished file")
    if path.read_bytes() != written or [file.name for file in folder.iterdir()] != [path.name]:
        raise ExtensionError("the format writes to other places than the path that it is given")
    return path


def _check_declarations(format_: Format) -> None:
    if format_.holds not in get_args(Content):
        raise ExtensionError(f"Expected `holds` to be one of {', '.join(get_args(Content))}, but got {format_.holds!r}")
    wrong = [suffix for suffix in format_.suffixes if suffix != suffix.lower() or suffix[:1] not in ("", ".")]
    if wrong or not format_.suffixes:
        raise ExtensionError(f"Expected `suffixes` in lower case with their dots, but got {format_.suffixes}")


def _check_other_files(format_: Format, folder: Path) -> None:
    other = folder / "other"
    for content in (b"my notes\n", b"\x89PNG\r\n\x1a\n" + bytes(300), b"image,score\n", b"{}\n"):
        other.write_bytes(content)
        if format_.is_own(other):
            raise ExtensionError(f"`is_own` takes a file that begins with {content[:12]!r} for its own, to be replaced")
    other.unlink()
