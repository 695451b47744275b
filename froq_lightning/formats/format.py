"""The contract of an output format, and how the format of a path is found."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, Protocol

from froq_lightning.atomic_write import Signature, atomic_write
from froq_lightning.errors import ConfigurationError
from froq_lightning.extensions import FORMATS, load_all
from froq_lightning.runs.prediction import Embeddings
from froq_lightning.runs.quality_batch import ScoredRow

Content = Literal["scores", "embeddings"]
# Of scores: image, quality_score, quality, status, reason. Where components were measured, `defects` and they follow.
COLUMNS = ScoredRow._fields[1:6]
DEFECTS = "defects"


class Results(Protocol):
    """What a run found for N images."""

    def __len__(self) -> int:
        """Return N."""

    def rows(self) -> Iterator[ScoredRow]:
        """Yield the N rows in the order of the source; images that failed are among them."""

    def components(self) -> tuple[str, ...]:
        """Return the names of the quality components in the rows; empty if they were not asked for."""

    def dimension(self) -> int:
        """Return D, the length of the embeddings; 0 if no image gave one."""

    def embeddings(self, at_once: int) -> Iterator[Embeddings]:
        """Yield `[b, D]` float32 blocks of `at_once` rows, in the order of the rows; NaN for images that failed."""


@dataclass(frozen=True)
class Format:
    """A kind of file that holds the scores or the embeddings of a run.

    Args:
        suffixes: of its files, in lower case with the dot; "" is a path without a suffix.
        holds: "scores" or "embeddings".
        is_own: whether an existing file was written by this format, so that it may be replaced; see `signature`.
        write: writes the results to a path, at which nothing lies. `write_file` makes that atomic.
        requires: module that writing needs, if it is not always installed.
        install: what to install for it, as `pip` takes it.
    """

    suffixes: tuple[str, ...]
    holds: Content
    is_own: Signature
    write: Callable[[Path, Results], None]
    requires: str = ""
    install: str = ""


def columns(results: Results) -> tuple[str, ...]:
    """Return the names of the columns of scores."""
    names = results.components()
    return (*COLUMNS, DEFECTS, *names) if names else COLUMNS


def cells(row: ScoredRow, names: Sequence[str]) -> tuple[object, ...]:
    """Return the values of a row by column, where these components were measured."""
    measured = ("; ".join(row.defects), *(row.components[name] for name in names)) if names else ()
    return (*row[1:6], *measured)


def find_format(path: Path, holds: Content) -> Format:
    """Return the installed format that writes such a file.

    Raises:
        ConfigurationError: if there is none, listing all suffixes; if several have this suffix; or if what the format
            needs is not installed.
    """
    formats = {name: format_ for name, format_ in load_all(FORMATS).items() if format_.holds == holds}
    named = {name: format_ for name, format_ in formats.items() if path.suffix.lower() in format_.suffixes}
    if not named:
        require_suffix(holds, path, sorted(suffix for format_ in formats.values() for suffix in format_.suffixes))
    if len(named) > 1:
        raise ConfigurationError(
            f"{str(path)!r} is ambiguous: the formats {' and '.join(named)} both write {path.suffix}; uninstall one"
        )
    (found,) = named.values()
    if found.requires and find_spec(found.requires) is None:
        raise ConfigurationError(
            f"Expected {found.requires}, which writes {path.suffix}, to be installed; run `pip install "
            f"'{found.install}'`, or give another kind of file"
        )
    return found


def write_file(format_: Format, path: Path, results: Results) -> None:
    """Write a file, which appears whole or not at all.

    Raises:
        ConfigurationError: if a file lies there that this format did not write.
    """
    with atomic_write(path, format_.is_own) as place:
        format_.write(place, results)


def require_suffix(what: str, path: Path, suffixes: list[str]) -> None:
    """Refuse a kind of file that is not written.

    Args:
        what: is to be written.
        path: of the file.
        suffixes: of the kinds that are written, in lower case; "" allows for a path without one.

    Raises:
        ConfigurationError: listing them.
    """
    if path.suffix.lower() not in suffixes:
        *others, last = filter(None, suffixes)
        listed = f"{', '.join(others)} or {last}" if others else last
        raise ConfigurationError(f"Expected {what} to go to a {listed} file, but got {str(path)!r}")
