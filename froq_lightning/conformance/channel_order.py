"""Whether red and blue reach a network as it was trained with them.

No check of a network alone can tell: with red and blue swapped it embeds too, only worse. Three things are checked.
`check_channel_order`: an image is treated as declared. `check_published_input`: the network's input is what the
authors' own code makes of an image. `check_channel_order_on_faces`: faces of known subjects are told apart best with
the declared order.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn.functional import normalize

from froq_lightning.backbones.spec import Backbone
from froq_lightning.errors import BackboneError

# Sums in another order differ by this share of an embedding's length.
ROUNDING = 1e-5


def check_channel_order(backbone: Backbone) -> None:
    """An image enters the network in the declared order of channels, normalised by the mean and std of each.

    This finds a preprocessing of its own that swaps channels twice, or not at all. It cannot find a wrong declaration.
    """
    declared = backbone.preprocessing
    images = _images(backbone, 2).to(torch.uint8)
    channels = (0, 1, 2) if declared.channel_order == "RGB" else (2, 1, 0)
    expected = torch.stack([(images[:, c] / 255 - declared.mean[c]) / declared.std[c] for c in channels], dim=1)
    _require_same(backbone, declared(images), expected, f"in {declared.channel_order} order, (x - mean) / std")


def check_published_input(backbone: Backbone, published: Callable[[Tensor], Tensor]) -> None:
    """The network's input is what the authors' own code makes of an image.

    Args:
        backbone: the backbone.
        published: the lines of the authors' inference code: maps images as OpenCV reads them, `[B, H, W, 3]` uint8 in
            the order blue, green, red, to the network's input `[B, 3, H, W]`.

    Raises:
        BackboneError: if the order of channels, the mean or the std differs.
    """
    images = _images(backbone, 2).to(torch.uint8)
    expected = published(images.flip(1).permute(0, 2, 3, 1))
    _require_same(backbone, backbone.preprocessing(images), expected, "that of the published code")
    with torch.no_grad():
        one, other = (backbone.embed(backbone.run(x.to(backbone.dtype))) for x in (expected, expected.flip(1)))
    if bool(((one - other).norm(dim=1) <= ROUNDING * one.norm(dim=1)).all()):
        raise BackboneError("Expected the embedding to change with red and blue swapped, but it stays the same")


def check_channel_order_on_faces(backbone: Backbone, images: Tensor, subjects: Sequence[str]) -> None:
    """A trained network tells subjects apart better with the declared order of channels than with the other one.

    Ten subjects with two images each are enough as a rule. Of a network that sees grey only, nothing can be said.

    Args:
        backbone: with trained weights.
        images: `[B, 3, *size]` RGB uint8 aligned faces.
        subjects: who is on each.

    Raises:
        BackboneError: with both separations, if the other order gives the higher one.
    """
    declared = backbone.preprocessing
    opposite = replace(declared, channel_order="BGR" if declared.channel_order == "RGB" else "RGB")
    own = _separation(backbone, images, subjects)
    other = _separation(replace(backbone, preprocessing=opposite), images, subjects)
    if other > own:
        raise BackboneError(
            f"Expected subjects to be told apart best in {declared.channel_order} order, as declared, but with red and "
            f"blue swapped d' is {other:.2f} instead of {own:.2f}"
        )


def _separation(backbone: Backbone, images: Tensor, subjects: Sequence[str]) -> float:
    """How far apart mated and non-mated cosine similarities lie, d'; higher is better.

    d' = (mean of mated - mean of non-mated) / sqrt((variance of mated + variance of non-mated) / 2)
    """
    numbers = torch.tensor([subjects.index(subject) for subject in subjects])
    first, second = torch.triu_indices(len(images), len(images), 1)
    mated = numbers[first] == numbers[second]
    with torch.no_grad():
        embeddings = torch.cat([backbone.embed(backbone.run(backbone.inputs(part))) for part in images.split(8)])
    unit = normalize(embeddings.double())
    scores = (unit @ unit.T)[first, second]
    spread = ((scores[mated].var() + scores[~mated].var()) / 2).sqrt()
    return float((scores[mated].mean() - scores[~mated].mean()) / spread)


def _images(backbone: Backbone, count: int) -> Tensor:
    """Draw grey levels with little blue, so that swapped channels differ much: `[count, 3, *size]` in 0..255."""
    size, generator = backbone.preprocessing.size, torch.Generator().manual_seed(0)
    levels = torch.randint(0, 256, (count, 3, *size), generator=generator)
    return (levels // torch.tensor([1, 1, 4]).view(3, 1, 1)).to(backbone.device)


def _require_same(backbone: Backbone, inputs: Tensor, expected: Tensor, description: str) -> None:
    """Refuse inputs that differ by more than rounding, and say whether red and blue are swapped."""
    if inputs.shape != expected.shape:
        shape = list(inputs.shape)
        raise BackboneError(f"Expected the network's input to be of shape {list(expected.shape)}, but got {shape}")
    if torch.allclose(inputs, expected, rtol=1e-4, atol=1e-4):
        return
    swapped = torch.allclose(inputs.flip(1), expected, rtol=1e-4, atol=1e-4)
    order = backbone.preprocessing.channel_order
    found = f"red and blue are swapped (`channel_order` is {order})" if swapped else "mean, std or channels differ"
    raise BackboneError(f"Expected the network's input to be {description}, but {found}")
