"""Graphs as programs of torch.export, `.pt2`."""

import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from pathlib import Path

import torch
from torch import Tensor
from torch.export import ExportedProgram

# The extra file of a program that holds what it says of itself, as JSON.
METADATA = "froq.json"


def encode(program: ExportedProgram, facts: Mapping[str, str]) -> bytes:
    """Return the content of the file."""
    buffer = BytesIO()
    torch.export.save(program, buffer, extra_files={METADATA: json.dumps(facts, indent=1)})
    return buffer.getvalue()


def load(path: Path, outputs: Sequence[str]) -> Callable[[Tensor], dict[str, Tensor]]:
    """Return a file's graph as a function of images."""
    with path.open("rb") as file:
        network = torch.export.load(file).module()

    def run(images: Tensor) -> dict[str, Tensor]:
        with torch.no_grad():
            return dict(zip(outputs, network(images), strict=True))

    return run


def is_own(path: Path) -> bool:
    """Whether `froq export` wrote the file."""
    try:
        with zipfile.ZipFile(path) as archive:
            return any(Path(name).name == METADATA for name in archive.namelist())
    except zipfile.BadZipFile:
        return False
