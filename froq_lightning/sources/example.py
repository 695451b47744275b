"""Photographs to try the tool on without having any: scikit-image's astronaut, and what may happen to a photograph."""

import os
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from froq_lightning.data.degradations import KINDS
from froq_lightning.data.image_refs import ImageRef
from froq_lightning.errors import ConfigurationError, UnknownNameError
from froq_lightning.sources.source import Faces, Request, Source

PREFIX = "sample:"
PHOTOGRAPHS = "photographs"  # name of the folder that they are written to
# Head and shoulders in the 512-pixel photograph: top, left, side.
PORTRAIT = (0, 100, 256)
# The face in that portrait: left and right edge, top and bottom.
FACE = (76, 170, 50, 175)
SHOWN = ("blur", "downscale", "noise", "jpeg")
SEVERITIES = {"mild": 0.2, "strong": 0.45}


class Example(Source):
    """`sample:astronaut`, a portrait as it is, degraded in several ways, and a photograph without a face."""

    name = "sample:astronaut"

    def fits(self, path: Path) -> bool:
        """Tell the name by its beginning."""
        return str(path).startswith(PREFIX)

    def faces(self, request: Request) -> Faces:
        """Write the photographs below the scratch folder."""
        name = str(request.path).removeprefix(PREFIX)
        return Faces([ImageRef(path.name, path) for path in _write(name, request.scratch / PHOTOGRAPHS)])


def _write(name: str, folder: Path) -> list[Path]:
    if name != "astronaut":
        raise UnknownNameError.among("sample", name, ["astronaut"])
    try:
        from skimage import data  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigurationError("samples need scikit-image: pip install 'froq-lightning[samples]'") from error
    top, left, side = PORTRAIT
    portrait = torch.from_numpy(data.astronaut()).permute(2, 0, 1)[:, top : top + side, left : left + side].contiguous()
    photographs = {"original": portrait, **_degraded(portrait)}
    photographs["no_face"] = torch.from_numpy(data.coffee()).permute(2, 0, 1)
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for title, photograph in photographs.items():
        files.append(folder / f"{title}.png")
        picture = Image.fromarray(photograph.permute(1, 2, 0).numpy())
        if not files[-1].exists():
            partial = folder / f".{title}.{os.getpid()}"  # another process may be reading the file already
            picture.save(partial, format="png")
            partial.replace(files[-1])
        elif not _holds(files[-1], picture):
            raise ConfigurationError(
                f"Expected {str(files[-1])!r} to be free for a sample, but it is something else; move it away, or give "
                "another --trainer.default_root_dir"
            )
    return files


def _holds(file: Path, picture: Image.Image) -> bool:
    try:
        with Image.open(file, formats=["PNG"]) as found:
            return found.size == picture.size and found.tobytes() == picture.tobytes()
    except (OSError, SyntaxError):  # no picture; a damaged one
        return False


def _degraded(portrait: Tensor) -> dict[str, Tensor]:
    versions = {
        f"{kind}_{word}": KINDS[kind](portrait, severity, torch.Generator().manual_seed(0))
        for kind in SHOWN
        for word, severity in SEVERITIES.items()
    }
    return versions | {f"occlusion_{word}": _occlude(portrait, severity) for word, severity in SEVERITIES.items()}


def _occlude(portrait: Tensor, severity: float) -> Tensor:
    """Cover the face from below, as a scarf would, up to 60 % of its height."""
    left, right, top, bottom = FACE
    covered = portrait.clone()
    covered[:, bottom - round(0.6 * severity * (bottom - top)) : bottom, left:right] = 40
    return covered
