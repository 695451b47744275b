"""How a network wants its faces: size, order of channels, scale; and what images are taken at all."""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from froq_lightning.errors import BackboneError, ImageError

ChannelOrder = Literal["RGB", "BGR"]
FLOATS = (torch.float32, torch.float64, torch.float16, torch.bfloat16)
# By so much, values may leave 0..1 through rounding.
ROUNDING = 1e-3


@dataclass(frozen=True)
class Preprocessing:
    """How a network wants its faces. Called on RGB images, it returns the network's input.

    Args:
        size: (height, width) of the crop in pixels.
        channel_order: order of the channels that the network was trained with.
        mean: of the red, green and blue channel, in this order, on the 0..1 scale.
        std: of the red, green and blue channel, in this order, on the 0..1 scale.
        alignment: name of the template that crops follow: "arcface" (the 5-point template of 112 pixels,
            scaled to `size`), "dlib" (face chip with a padding of 0.25), or a name that an aligner knows.

    Raises:
        BackboneError: if a value is out of its range.
    """

    size: tuple[int, int] = (112, 112)
    channel_order: ChannelOrder = "RGB"
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.5, 0.5, 0.5)
    alignment: str = "arcface"

    def __post_init__(self) -> None:
        if self.channel_order not in ("RGB", "BGR"):
            raise BackboneError(f"Expected `channel_order` to be RGB or BGR, but got {self.channel_order!r}")
        if len(self.mean) != 3 or len(self.std) != 3 or min(self.std) <= 0:
            raise BackboneError(f"Expected three means and three positive stds, but got {self.mean} and {self.std}")
        if len(self.size) != 2 or min(self.size) < 1:
            raise BackboneError(f"Expected `size` to be (height, width) in pixels, but got {self.size}")

    def __call__(self, images: Tensor) -> Tensor:
        """Normalise images and bring their channels into the network's order.

        Args:
            images: `[B, 3, *size]` RGB, uint8 in 0..255 or floating point in 0..1.

        Returns:
            `[B, 3, *size]` input of the network; float32 for uint8 images, else of the images' own type.

        Raises:
            ImageError: if the images are of another shape or type, or have values that are not finite or not in 0..1.
        """
        self.require(images)
        return self.normalise(images.float().div_(255) if images.dtype == torch.uint8 else images)

    def require(self, images: Tensor) -> None:
        """Refuse whatever is not `[B, 3, *size]` images, uint8 or finite floating point in 0..1.

        Raises:
            ImageError: saying what was expected, and what came.
        """
        if not isinstance(images, Tensor):
            raise ImageError(f"Expected images as a tensor, but got {type(images).__name__}")
        if images.ndim != 4 or tuple(images.shape[1:]) != (3, *self.size):
            expected = f"[B, 3, {self.size[0]}, {self.size[1]}]"
            raise ImageError(f"Expected images of shape {expected}, but got {list(images.shape)}")
        require_values(images)

    def normalise(self, values: Tensor) -> Tensor:
        """Normalise `[B, 3, *size]` RGB values on the 0..1 scale, which may leave it, and reorder their channels."""
        mean, std = (self._constant(channel, values) for channel in (self.mean, self.std))
        normalised = values.sub(mean).div_(std)
        return normalised if self.channel_order == "RGB" else normalised.flip(1)

    @staticmethod
    def _constant(channels: tuple[float, float, float], values: Tensor) -> Tensor:
        """Put a number for each channel beside the values, `[3, 1, 1]`; `new_tensor` would wait for a GPU."""
        return torch.tensor(channels, dtype=values.dtype).view(3, 1, 1).to(values.device, non_blocking=True)

    def black(self) -> Tensor:
        """Return the value of a black pixel at the network's input, `[3, 1, 1]` in the network's channel order."""
        return self(torch.zeros(1, 3, *self.size))[0, :, :1, :1]


def require_values(images: Tensor) -> None:
    """Refuse `[B, 3, H, W]` images that are neither uint8 nor finite floating point in 0..1.

    Raises:
        ImageError: saying what was expected, and what came.
    """
    if images.dtype not in (torch.uint8, *FLOATS) or images.layout is not torch.strided:
        kind = str(images.dtype if images.layout is torch.strided else images.layout).removeprefix("torch.")
        raise ImageError(f"Expected uint8 images, or floating point in 0..1, but got {kind}")
    if images.dtype == torch.uint8 or not images.numel():
        return
    low, high = (float(value) for value in images.detach().aminmax())
    if not math.isfinite(low) or not math.isfinite(high):
        wrong = int((~images.isfinite()).flatten(1).any(dim=1).nonzero()[0])
        place = f" in image {wrong}" if len(images) > 1 else ""
        raise ImageError(f"Expected finite values in images, but got NaN or infinite ones{place}")
    if low < -ROUNDING or high > 1 + ROUNDING:
        raise ImageError(
            f"Expected images in floating point to be in 0..1, but got {low:.4g} to {high:.4g}; give grey levels "
            "0..255 as uint8, do not normalise images, and clamp what a resize made of them"
        )
