"""What a run is to write, checked before any image is read."""

import os
import unicodedata
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile

from lightning.pytorch import Callback

from froq_lightning.atomic_write import Signature, require_replaceable
from froq_lightning.callbacks.output_writer import OutputWriter
from froq_lightning.errors import ConfigurationError
from froq_lightning.stored_files import address_of, is_address


def require_outputs(callbacks: Iterable[Callback], inputs: Mapping[str, Path]) -> None:
    """Refuse outputs of callbacks of which one is an input, another output, or a place that cannot be written.

    Args:
        callbacks: of the run.
        inputs: files that are read, by the names of their options.

    Raises:
        ConfigurationError: for such an output.
    """
    names: set[str] = set()
    writers = (callback for callback in callbacks if isinstance(callback, OutputWriter))
    for path, is_own in (output for writer in writers for output in writer.outputs()):
        name = _resolved_name(path)
        if name in names:
            raise ConfigurationError(
                f"{address_of(path)!r} is to be written twice; give every output a name of its own"
            )
        names.add(name)
        require_output(path, is_own, inputs)


def require_output(path: Path, is_own: Signature, inputs: Mapping[str, Path]) -> None:
    """Refuse an output that is an input, or a place that cannot be written; see `require_outputs`."""
    if is_address(path):
        require_replaceable(path, is_own)
        return
    for option, file in inputs.items():
        if path.exists() and path.samefile(file):
            raise ConfigurationError(f"{str(path)!r} is to be written, but it is read as {option}; give another output")
    if any(_is_printed_to(path, stream) for stream in (1, 2)):
        raise ConfigurationError(
            f"Expected the output to be a file of its own, but {str(path)!r} is where this command prints its "
            "tables; write to a file, and pass that on"
        )
    require_replaceable(path, is_own)
    _require_writable(path)


def _require_writable(path: Path) -> None:
    """Refuse an output whose folder cannot be made or written to."""
    folder = Path(os.path.realpath(path)).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"the folder of the output {str(path)!r} cannot be made: {error.strerror}") from error
    try:
        with TemporaryFile(dir=folder):  # permissions alone do not tell
            pass
    except OSError as error:
        raise ConfigurationError(
            f"the folder of the output {str(path)!r} cannot be written to: {error.strerror}; give another output"
        ) from error


def _is_printed_to(path: Path, stream: int) -> bool:
    with suppress(OSError):  # one of them does not exist
        return os.path.samestat(path.stat(), os.fstat(stream))
    return False


def _resolved_name(path: Path) -> str:
    """Return what a path leads to; names that some file systems do not tell apart are the same."""
    return unicodedata.normalize("NFC", os.path.realpath(path)).casefold()
