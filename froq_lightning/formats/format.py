"""The contract of an output format, and how the format of a path is found."""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, Protocol

from froq_lightning.atomic_write import Signature, atomic_write
from froq_lightning.bounded_io import require_file
from froq_lightning.errors import ConfigurationError, DataError, UnknownNameError
from froq_lightning.extensions import FORMATS, load_all
from froq_lightning.runs.prediction import Embeddings
from froq_lightning.runs.quality_batch import ScoredRow

Content = Literal["scores", "embeddings"]
# A format by its name, with options or without; None leaves it to the suffix.
Named = str | Mapping[str, Any] | None
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
        read: yields the rows of a file that was written, with the quality score as exact as the file has it; None for
            a format that is not read again.
        is_default: whether its suffixes alone choose it; else it is chosen by its name (`froq predict --format NAME`).
        configure: returns the format with options that are given beside its name; None for one without options.
    """

    suffixes: tuple[str, ...]
    holds: Content
    is_own: Signature
    write: Callable[[Path, Results], None]
    requires: str = ""
    install: str = ""
    read: Callable[[Path], Iterator[ScoredRow]] | None = None
    is_default: bool = True
    configure: "Callable[..., Format] | None" = None


def columns(results: Results) -> tuple[str, ...]:
    """Return the names of the columns of scores."""
    names = results.components()
    return (*COLUMNS, DEFECTS, *names) if names else COLUMNS


def cells(row: ScoredRow, names: Sequence[str]) -> tuple[object, ...]:
    """Return the values of a row by column, where these components were measured."""
    measured = ("; ".join(row.defects), *(row.components[name] for name in names)) if names else ()
    return (*row[1:6], *measured)


def find_format(path: Path, holds: Content, choice: Named = None) -> Format:
    """Return the installed format that writes such a file: the one of a name, else that of the suffix.

    Args:
        path: of the file.
        holds: what it is to hold.
        choice: name of the format, as its entry point states it; or a dict of that as `name`, and of its options.

    Raises:
        UnknownNameError: if there is none of that name; the text lists the names.
        ConfigurationError: if none has this suffix, listing all; if several have; if the one of the name has others, or
            not these options; or if what the format needs is not installed.
    """
    formats = {name: format_ for name, format_ in load_all(FORMATS).items() if format_.holds == holds}
    if choice is not None:
        found = _named(formats, choice, holds)
        require_suffix(holds, path, sorted(found.suffixes))
    else:
        found = _of_suffix({name: format_ for name, format_ in formats.items() if format_.is_default}, path, holds)
    if found.requires and find_spec(found.requires) is None:
        raise ConfigurationError(
            f"Expected {found.requires}, which writes {path.suffix}, to be installed; run `pip install "
            f"'{found.install}'`, or give another kind of file"
        )
    return found


def usual_suffix(choice: Named, holds: Content) -> str:
    """Return the suffix that files of a named format usually have; see `find_format`."""
    formats = {name: format_ for name, format_ in load_all(FORMATS).items() if format_.holds == holds}
    return next(filter(None, _named(formats, choice, holds).suffixes), "")


def _named(formats: Mapping[str, Format], choice: Named, holds: Content) -> Format:
    name, options = _parts(choice)
    if name not in formats:
        raise UnknownNameError.among(f"format of {holds}", name, formats)
    configure = formats[name].configure
    if not options:
        return formats[name]
    known = inspect.signature(configure).parameters if configure else ()
    if configure is None or not set(options) <= set(known):
        wrong = ", ".join(sorted(set(options) - set(known)))
        raise ConfigurationError(f"the format {name} has no option {wrong}; it takes: {', '.join(known) or 'none'}")
    return configure(**options)


def _parts(choice: Named) -> tuple[str, dict[str, Any]]:
    if isinstance(choice, Mapping):
        options = dict(choice)
        name = options.pop("name", None)
        if not isinstance(name, str):
            raise ConfigurationError(
                f"Expected a format as its name, or as {{name: NAME, OPTION: VALUE}}, but got {choice}"
            )
        return name, options
    return str(choice), {}


def _of_suffix(formats: Mapping[str, Format], path: Path, holds: Content) -> Format:
    named = {name: format_ for name, format_ in formats.items() if path.suffix.lower() in format_.suffixes}
    if not named:
        require_suffix(holds, path, sorted({suffix for format_ in formats.values() for suffix in format_.suffixes}))
    if len(named) > 1:
        raise ConfigurationError(
            f"{str(path)!r} is ambiguous: the formats {' and '.join(named)} both write {path.suffix}; choose one by "
            f"--format {next(iter(named))}"
        )
    return next(iter(named.values()))


def read_rows(path: Path) -> list[ScoredRow]:
    """Read the scores that a run wrote, in whatever format: known by its content, else by its suffix.

    Raises:
        DataNotFoundError: if there is no such file.
        DataError: if it holds no scores.
    """
    require_file(path, str(path))
    formats = [format_ for format_ in load_all(FORMATS).values() if format_.holds == "scores" and format_.read]
    written = [format_ for format_ in formats if format_.is_own(path)]
    named = [format_ for format_ in formats if format_.is_default and path.suffix.lower() in format_.suffixes]
    if not (found := [*written, *named]):
        raise DataError(f"Expected scores that `froq predict` wrote, but {str(path)!r} is of none of its formats")
    return list(found[0].read(path))


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
