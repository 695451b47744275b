"""Images as people have them: a path, bytes, a PIL image, an array, a tensor, or many of these."""

from collections.abc import Iterable
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from froq_lightning.backbones.preprocessing import require_values
from froq_lightning.backbones.spec import Pixels
from froq_lightning.data.cropper import Cropper
from froq_lightning.data.face_batch import FaceSample
from froq_lightning.data.images import convert_image, decode_image, read_image
from froq_lightning.defects.components import UNKNOWN, measure
from froq_lightning.errors import ImageError
from froq_lightning.names import escape_name

ONE_IMAGE = (str, bytes, bytearray, memoryview, PathLike, Image.Image, np.ndarray, Tensor)
ROUNDED = "rounded to 8 bits"


def is_one_image(images: Any) -> bool:
    """Tell one image, or what is meant as one, from many: arrays with four dimensions, or of paths, are many."""
    if isinstance(images, np.ndarray) and images.dtype.kind in "OU":
        return False
    if isinstance(images, (np.ndarray, Tensor)):
        return images.ndim != 4
    return isinstance(images, ONE_IMAGE) or hasattr(images, "read") or not isinstance(images, Iterable)


def read_sample(index: int, image: Any, cropper: Cropper, *, reasons: bool = False) -> FaceSample:
    """Make the crop of an image; one that is bad becomes a sample with the reason.

    Args:
        index: its position.
        image: path; content of an image file, as bytes or an open file; PIL image; `[H, W, 3]` RGB, `[H, W, 4]` RGBA or
            `[H, W]` grey uint8 array, or RGB array of floats in 0..1; `[3, H, W]` RGB tensor, uint8 or floats in 0..1.
        cropper: makes the crop. Floats of a crop that fits stay as they are; others are rounded to 8 bits.
        reasons: whether to measure quality components, too.
    """
    key = str(index)
    try:
        if isinstance(image, (str, PathLike)):
            key = escape_name(str(fspath(image)))
        crop, note, components = _crop(image, cropper, reasons=reasons)
    except ImageError as error:
        return FaceSample(index, key, None, str(error), components=UNKNOWN if reasons else None)
    return FaceSample(index, key, crop, note, components=components)


def measure_crops(crops: Tensor) -> Tensor:
    """Measure the quality components of `[B, 3, H, W]` crops: `[B, C]` int16, in the order of `COMPONENTS`."""
    return torch.tensor([measure(_pixels(crop)[0]) for crop in crops], dtype=torch.int16)


def _crop(image: Any, cropper: Cropper, *, reasons: bool) -> tuple[Tensor, str, tuple[int, ...] | None]:
    if isinstance(image, np.ndarray) and image.dtype.kind == "f":
        image = _chw(image)
    if isinstance(image, Tensor):
        _require_image(image)
        if cropper.aligner is None and tuple(image.shape[1:]) == cropper.preprocessing.size:
            return image.cpu(), "", measure(_pixels(image)[0]) if reasons else None
    pixels, note = _pixels(image)
    crop = cropper(pixels)
    components = measure(crop.pixels, pixels, crop.face) if reasons else None
    tensor = torch.from_numpy(np.array(crop.pixels)).permute(2, 0, 1).contiguous()
    return tensor, "; ".join(filter(None, [note, crop.remark])), components


def _pixels(image: Any) -> tuple[Pixels, str]:
    """Bring an image to `[H, W, 3]` RGB uint8, with a note on what was changed."""
    if isinstance(image, Tensor):
        rounded = image if image.dtype == torch.uint8 else image.float().clamp(0, 1).mul(255).round().to(torch.uint8)
        return rounded.permute(1, 2, 0).contiguous().cpu().numpy(), "" if rounded is image else ROUNDED
    if isinstance(image, (str, PathLike)):
        return read_image(Path(fspath(image)))
    if isinstance(image, Image.Image):
        return convert_image(image)
    if isinstance(image, np.ndarray):
        return _from_array(image)
    try:
        content = image.read() if hasattr(image, "read") else image
    except (OSError, ValueError) as error:  # a file that is closed, or opened as text
        raise ImageError(f"the open file cannot be read as bytes: {error}") from error
    if isinstance(content, (bytes, bytearray, memoryview)):
        return decode_image(bytes(content), "file")
    raise ImageError(f"expected a path, bytes, a PIL image, an array or a tensor, got {type(image).__name__}")


def _from_array(array: np.ndarray) -> tuple[Pixels, str]:
    if array.ndim == 3 and array.shape[2] == 3 and array.dtype == np.uint8 and array.size:
        return np.ascontiguousarray(array), ""
    grey = array.ndim == 2 and array.dtype in (np.uint8, np.uint16)
    if not array.size or not (grey or (array.ndim == 3 and array.shape[2] == 4 and array.dtype == np.uint8)):
        raise ImageError(
            f"expected an array [H, W, 3] of RGB, uint8 or floats in 0..1, got {list(array.shape)} {array.dtype}"
        )
    return convert_image(Image.fromarray(array))


def _chw(array: np.ndarray) -> Tensor:
    if array.ndim != 3 or array.shape[2] != 3:
        raise ImageError(f"expected an array [H, W, 3] of RGB, got {list(array.shape)} {array.dtype}")
    native = array.astype(np.float64 if array.dtype.itemsize > 4 else np.float32)  # torch takes no other byte order
    return torch.from_numpy(np.ascontiguousarray(native.transpose(2, 0, 1)))


def _require_image(image: Tensor) -> None:
    if image.ndim != 3 or len(image) != 3 or not image.numel():
        raise ImageError(f"expected a tensor [3, H, W] of RGB, got {list(image.shape)}")
    require_values(image[None])
