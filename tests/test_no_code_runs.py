"""No file of a stranger runs code: whatever carries some, in the place of any such file, is read as data or refused."""

import io
import os
import pickle
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from fuzz_readers import Reader, every_reader
from fuzz_seeds import write

from froq_lightning.errors import FroqError

READERS = {reader.name: reader for reader in every_reader()}
TRACE = "it_ran"  # made in the current folder, which is the test's own


class Payload:
    """Leaves a trace when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (TRACE,)


def written(write: Callable[[io.BytesIO], object]) -> bytes:
    file = io.BytesIO()
    write(file)
    return file.getvalue()


def polyglot() -> bytes:
    """A zip archive, as PyTorch writes it, that is a pickle at its start."""
    archive = written(lambda file: torch.save({"state_dict": Payload()}, file))
    return pickle.dumps(Payload(), protocol=0) + archive


def compressed() -> bytes:
    def write(file: io.BytesIO) -> None:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a/data.pkl", pickle.dumps(Payload(), protocol=2))
            archive.writestr("a/version", "3")

    return written(write)


PAYLOADS: dict[str, bytes] = {
    **{f"pickle {protocol}": pickle.dumps(Payload(), protocol) for protocol in range(6)},
    "pickle in a list": pickle.dumps(([Payload(), Payload()], [True]), 4),
    "checkpoint": written(lambda file: torch.save({"state_dict": Payload()}, file)),
    "checkpoint before 1.6": written(
        lambda file: torch.save({"state_dict": Payload()}, file, _use_new_zipfile_serialization=False)
    ),
    "compressed checkpoint": compressed(),
    "polyglot": polyglot(),
    "array": written(lambda file: np.save(file, np.array([Payload()], dtype=object), allow_pickle=True)),
    "arrays": written(lambda file: np.savez(file, a=np.array([Payload()], dtype=object))),
    "YAML": f"!!python/object/apply:os.mkdir [{TRACE}]\n".encode(),
    "JSON": f'{{"class_path": "os.mkdir", "init_args": ["{TRACE}"], "__reduce__": "os.mkdir"}}'.encode(),
    "Python": f"import os\nos.mkdir({TRACE!r})\n".encode(),
    "PostScript": f"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(%pipe%mkdir {TRACE}) (w) file\n".encode(),
}
# Those that would open each, carelessly.
CARELESS: dict[str, Callable[[bytes], object]] = {
    **{name: pickle.loads for name in PAYLOADS if name.startswith(("pickle", "polyglot"))},
    **{
        name: lambda content: torch.load(io.BytesIO(content), weights_only=False)
        for name in ("checkpoint", "checkpoint before 1.6", "compressed checkpoint")
    },
    "array": lambda content: np.load(io.BytesIO(content), allow_pickle=True),
    "arrays": lambda content: np.load(io.BytesIO(content), allow_pickle=True)["a"],
    "YAML": yaml.unsafe_load,
    "Python": exec,
}


@pytest.mark.parametrize("payload", CARELESS)
def test_the_code_would_run(payload: str) -> None:
    with suppress(Exception):
        CARELESS[payload](PAYLOADS[payload])
    assert Path(TRACE).is_dir()


@pytest.mark.parametrize("name", READERS)
def test_no_reader_runs_it(name: str, tmp_path: Path) -> None:
    reader = READERS[name]
    read = []
    for number, (payload, content) in enumerate(PAYLOADS.items()):
        for place, (seed, changed) in enumerate(all_files(reader)):
            folder = tmp_path / f"{number}-{place}"
            write({**reader.seeds[seed], changed: content}, folder)
            try:
                reader.read(folder)
                read.append(payload)
            except FroqError as error:
                assert str(error)  # noqa: PT017 - most are refused, and may be
            assert not Path(TRACE).exists(), f"{payload} as {changed} ran"
            assert not (folder / TRACE).exists()
    assert len(read) < len(PAYLOADS) * len(all_files(reader))


def all_files(reader: Reader) -> list[tuple[int, str]]:
    """Every file that is read, once."""
    return [*{name: (seed, name) for seed, files in enumerate(reader.seeds) for name in files}.values()]
