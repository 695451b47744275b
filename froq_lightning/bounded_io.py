"""Text, JSON and arrays, read with checks of what the file is and how much it may be."""

import codecs
import json
import math
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from froq_lightning.errors import DataError, DataNotFoundError, FroqError

MOST_BYTES = 2**26
MOST_DIGITS = 18  # fit into 64 bits


def numbered_lines(path: Path, name: str = "") -> Iterator[tuple[int, str]]:
    """Read text in UTF-8, or in UTF-16 with a byte order mark, line by line: (number from 1, line with its end).

    Args:
        path: of the file.
        name: of the file in errors; by default its own.

    Raises:
        DataNotFoundError: if there is no such file.
        DataError: if it is no file, or no such text.
    """
    name = name or path.name
    require_file(path, name)
    try:
        with name_in_errors(name), path.open(encoding=_encoding(path), newline="") as file:
            for number, line in enumerate(file, start=1):
                if "\0" in line:
                    raise DataError(f"{name} is no text in UTF-8: line {number} holds a zero byte")
                yield number, line
    except UnicodeError as error:
        raise DataError(f"{name} is no text in UTF-8, save it as such: {error}") from error


def _encoding(path: Path) -> str:
    """Recognise UTF-16 by its byte order mark; Excel's "Unicode text" is UTF-16."""
    with path.open("rb") as file:
        return "utf-16" if file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig"


@contextmanager
def name_in_errors(name: str) -> Iterator[None]:
    """Re-raise OSError as a DataError naming the file."""
    try:
        yield
    except FroqError:
        raise
    except OSError as error:
        raise DataError(f"{name} cannot be read: {error.strerror}") from error


def read_json(path: Path) -> Any:
    """Read JSON in UTF-8, with finite numbers, and with every key of an object once.

    Raises:
        DataNotFoundError: if there is no such file.
        DataError: if it is no file, no such JSON, nested too deeply, or larger than 64 MB. The text does not name it.
    """
    require_file(path, path.name)
    if path.stat().st_size > MOST_BYTES:
        raise DataError(f"it has more than {MOST_BYTES // 10**6} megabytes")
    try:
        with name_in_errors("it"):
            text = path.read_text(encoding="utf-8")
        return json.loads(
            text, parse_constant=_finite, parse_float=_finite, parse_int=_integer, object_pairs_hook=_each_once
        )
    except RecursionError:
        raise DataError("it is nested too deeply") from None
    except ValueError as error:
        raise DataError(str(error)) from error


def read_array(path: Path) -> npt.NDArray[Any]:
    """Map a .npy file of numbers or booleans into memory: the shape in its header may be larger than the file.

    Raises:
        DataNotFoundError: if there is no such file.
        DataError: if it is damaged, or holds something else, such as objects. The text does not name it.
    """
    require_file(path, path.name)
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # numpy parses the header as Python's literals, and raises whatever that does
        raise DataError(f"it is damaged or no .npy array: {error}") from error
    if not isinstance(array, np.ndarray):
        raise DataError("it is an archive of arrays")
    if array.dtype.kind not in "biuf":
        raise DataError(f"it holds {array.dtype}, no numbers or booleans")
    return array


def require_file(path: Path, name: str) -> None:
    """Refuse pipes, which wait for a writer, and devices, which may have no end.

    Raises:
        DataNotFoundError: if there is nothing of that path.
        DataError: if it is no file.
    """
    with name_in_errors(name):
        try:
            regular = stat.S_ISREG(path.stat().st_mode)
        except FileNotFoundError:
            raise DataNotFoundError(f"file {name!r} does not exist") from None
    if not regular:
        raise DataError(f"{name} is a folder, pipe or device")


def _integer(text: str) -> int:
    if len(text) > MOST_DIGITS:
        raise DataError(f"it holds a number of {len(text):,} digits")
    return int(text)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise DataError(f"it holds the number {text:.20}, which is not finite")
    return value


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise DataError(f"it states one of {', '.join(list(content)[:12])} twice")
    return content
