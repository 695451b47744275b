"""The contract of a source, and which of the installed sources a path belongs to."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np

from froq_lightning.bounded_io import name_in_errors
from froq_lightning.data.comparison_set import ComparisonSet, subject_numbers
from froq_lightning.data.image_refs import ImageRef, subjects_in_order
from froq_lightning.data.trial_sampling import Sampling, sample_comparisons
from froq_lightning.errors import ConfigurationError, DataError, DataNotFoundError
from froq_lightning.extensions import SOURCES, load_all
from froq_lightning.names import escape_cell
from froq_lightning.stored_files import is_address


@dataclass(frozen=True)
class Request:
    """What is wanted of a source.

    Args:
        path: of the source.
        root: folder of the images, if it is not the usual one; names in lists must not lead out of it.
        name: of the comparison set, in tables.
        part: which comparison set, of a source that holds several; empty for the usual one.
        sampling: of comparison trials where only subjects are known.
        with_labels: whether pseudo-quality labels are read, if the source has some.
        with_subjects: whether subjects are wanted, even if that takes a pass over the source.
        scratch: folder that a source may write images and indexes to.
    """

    path: Path
    root: Path | None = None
    name: str = ""
    part: str = ""
    sampling: Sampling = Sampling()  # noqa: RUF009 - immutable
    with_labels: bool = True
    with_subjects: bool = False
    scratch: Path = Path()


@dataclass(frozen=True)
class Faces:
    """The images of a source.

    Args:
        images: at least one.
        passed_over: what else is in a folder, with counts and examples; empty if nothing does.
    """

    images: Sequence[ImageRef]
    passed_over: str = ""


class Source(ABC):
    """A format of face images, of comparison trials, or of both.

    A subclass, created without arguments and registered as "module:Class" in the entry-point group
    `froq_lightning.sources`. It gives `faces` or `trials`, or both. Without `trials`, these are sampled from the
    subjects of its faces; without `faces`, these are the images of its trials.

    Attributes:
        name: of the format, for people.
        parts: names of the comparison sets that a source holds; empty if there is one, without a name.
        takes_the_rest: whether it takes paths only that no other source takes, such as any folder.
        reads_addresses: whether it also reads from object stores; a path is then such as `s3:/bucket/file`, which
            `stored_files.address_of` makes an address again.
    """

    name: ClassVar[str]
    parts: ClassVar[tuple[str, ...]] = ()
    takes_the_rest: ClassVar[bool] = False
    reads_addresses: ClassVar[bool] = False

    @abstractmethod
    def fits(self, path: Path) -> bool:
        """Tell whether a path, which may not exist, is of this format."""

    def faces(self, request: Request) -> Faces:
        """List the images, without reading them.

        Raises:
            DataError: if the source is malformed; the text names the place.
            DataNotFoundError: if it, or a file that it needs, does not exist.
        """
        found = self.trials(request)
        return Faces(found.images, found.passed_over)

    def trials(self, request: Request) -> ComparisonSet:
        """Read the images and the comparison trials between them.

        Raises:
            DataError: if the source is malformed, or names no subjects to sample trials from.
            DataNotFoundError: if it, or a file that it needs, does not exist.
        """
        found = self.faces(replace(request, with_labels=False, with_subjects=True))
        subjects = subject_numbers(subjects_in_order(found.images))
        if (subjects < 0).any():
            unknown = found.images[int(np.argmax(subjects < 0))].key
            raise DataError(
                f"Expected {request.name} to tell the subject of every image, by one sub-folder per subject, a column "
                f"subject_id or label, `key.cls` in tar files, or RecordIO's labels, but got none for {unknown!r}"
            )
        comparisons = sample_comparisons(request.name, found.images, subjects, request.sampling)
        return replace(comparisons, passed_over=found.passed_over)

    def sets(self, folder: Path) -> Sequence[Path]:
        """List the sources of this format that a folder stands for, each a comparison set; by default none."""
        del folder
        return ()

    def usual_name(self, path: Path, part: str) -> str:
        """Name a comparison set after the path of its source."""
        name = path.name if path.is_dir() else path.stem
        return f"{name}-{part}" if part else name


def installed_sources() -> list[Source]:
    """Create the installed sources, those that take the rest last; warns of those that cannot be imported."""
    return sorted((kind() for kind in load_all(SOURCES).values()), key=lambda source: source.takes_the_rest)


def find_source(path: Path) -> Source:
    """Find the source that a path belongs to.

    Raises:
        DataNotFoundError: if there is nothing of that path.
        DataError: if it is of no known format, which the text lists.
        ConfigurationError: if several sources take it, besides those that take the rest.
    """
    known = [source for source in installed_sources() if source.reads_addresses or not is_address(path)]
    fitting = [source for source in known if source.fits(path)]
    named = [source.name for source in fitting if not source.takes_the_rest]
    if len(named) > 1:
        raise ConfigurationError(
            f"{str(path)!r} is ambiguous: the sources {' and '.join(map(repr, named))} take it; uninstall one"
        )
    if fitting:
        return fitting[0]
    if not is_address(path) and not path.exists():
        raise DataNotFoundError(f"data source {str(path)!r} does not exist")
    elsewhere = " that is read from an object store" if is_address(path) else ""
    raise DataError(
        f"{path.name} is of no known format{elsewhere}; there are: {'; '.join(source.name for source in known)}"
    )


def sets_of(path: Path) -> Sequence[Path]:
    """List the sources that a path stands for, each a comparison set: itself, or those of a folder that is no source.

    Raises:
        DataNotFoundError, DataError, ConfigurationError: as `find_source` does.
    """
    if not path.is_dir() or not find_source(path).takes_the_rest:
        return [path]
    return [each for source in installed_sources() for each in source.sets(path)] or [path]


def read_faces(
    source: str | Path,
    root: str | Path | None = None,
    *,
    with_labels: bool = True,
    with_subjects: bool = False,
    scratch: Path = Path(),
) -> Faces:
    """List the images of a source, whatever its format.

    Args:
        source: file or folder; its format is recognised by its name and content.
        root: folder of the images, if it is not the usual one; names in lists must not lead out of it.
        with_labels: whether a manifest's `pseudo_quality` is read.
        with_subjects: whether subjects are wanted, even if that takes a pass over the source.
        scratch: folder that a source may write images and indexes to.

    Raises:
        DataNotFoundError: if the source or the root does not exist.
        DataError: if it is of no known format, malformed, or holds no images.
        ConfigurationError: if several sources take it.
    """
    path = Path(source)
    known = find_source(path)
    name = escape_cell(known.usual_name(path.absolute(), ""))
    request = Request(path, _root(root), name, with_labels=with_labels, with_subjects=with_subjects, scratch=scratch)
    with name_in_errors(path.name):
        return known.faces(request)


def read_trials(
    source: str | Path,
    root: str | Path | None = None,
    name: str | None = None,
    part: str | None = None,
    non_mated: int | None = None,
    seed: int = 0,
    *,
    scratch: Path = Path(),
) -> ComparisonSet:
    """Read the comparison trials of a source, whatever its format.

    Args:
        source: file or folder; its format is recognised by its name and content.
        root: folder of the images that a list of trials names, if it is not the usual one.
        name: of the set in tables; by default it is taken from the source.
        part: which set of a source that holds several: FF or FP of CFP.
        non_mated: number of non-mated trials where only subjects are known and trials are sampled; by default as many
            as there are mated ones, but at least 10,000.
        seed: of the sampling.
        scratch: folder that a source may write indexes to.

    Raises:
        DataNotFoundError: if the source or the root does not exist.
        DataError: if it is of no known format, malformed, or allows no trials.
        ConfigurationError: if several sources take it, or if it has no such part.
    """
    path = Path(source)
    known = find_source(path)
    if part is not None and part not in known.parts:
        has = f"has the parts {', '.join(known.parts)}" if known.parts else "has no parts"
        raise ConfigurationError(f"Expected no `part` {part!r}: {path.name} ({known.name}) {has}")
    part = part or next(iter(known.parts), "")
    stated = escape_cell(name or known.usual_name(path.absolute(), part))
    request = Request(path, _root(root), stated, part, Sampling(non_mated, seed), scratch=scratch)
    with name_in_errors(path.name):
        return known.trials(request)


def _root(root: str | Path | None) -> Path | None:
    folder = None if root is None else Path(root)
    if folder is not None and not folder.is_dir():
        raise DataNotFoundError(f"root {str(root)!r} of the images does not exist")
    return folder
