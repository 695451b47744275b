"""Checks that what a network computes of an image depends on that image alone, with two images together and alone."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from froq_lightning.backbones.spec import Backbone
from froq_lightning.errors import BackboneError
from froq_lightning.observation.norms import LayerNorms, Observation

# A pass of another batch size rounds differently, by up to this share of a value. On a GPU convolutions may use TF32.
ROUNDING, ROUNDING_OF_LESS_PRECISE = 1e-5, 5e-3
FULL = (torch.float32, torch.float64)
# What depends on the image alone changes by less than this share of what two images differ by, and of the values, where
# they are as precise as on a CPU, by less than this many times their rounding.
SHARE_OF_SPREAD = 0.02
MOST_ROUNDING = 100
Outcome = TypeVar("Outcome")


def dependent_layers(backbone: Backbone, layers: Sequence[str]) -> dict[str, str]:
    """Find the layers whose norm for an image depends on more than that image, or that give no norm for each image.

    Such a layer mixes images: it works on a batch into which the network put mirrored copies too, has another dimension
    first, takes statistics of the batch, or is random.

    Args:
        backbone: its network lies where it will run.
        layers: names of its modules.

    Returns:
        What is wrong, by the name of the layer. Layers that do not fire are left out.

    Raises:
        BackboneError: if the network does not run on two images, or on one.
    """
    with LayerNorms(backbone.network, layers) as norms:

        def observe(images: Tensor) -> Observation:
            return norms.observe(backbone.inputs(images))

        together, again, swapped, *alone = _passes(backbone, observe)
    separate = torch.cat([observation.norms for observation in alone])
    failures = {column: reason for each in (*alone, together) for column, reason in each.failures.items()}
    dependent = {}
    for column, layer in enumerate(layers):
        tables = (together.norms, again.norms, swapped.norms.flip(0), separate)
        columns = [table[:, column, None] for table in tables]
        reason = failures[column] if column in failures else _difference(backbone, *columns)
        if reason and column in together.order:
            dependent[layer] = reason
    return dependent


def require_independent_embedding(backbone: Backbone) -> None:
    """Refuse a network whose embedding of an image depends on more than that image.

    Raises:
        BackboneError: saying how; also if the network does not run on two images, or on one, or `embed` gives no
            `[B, D]` tensor.
    """

    def embed(images: Tensor) -> Tensor:
        embeddings = backbone.embed(backbone.run(backbone.inputs(images)))
        if not isinstance(embeddings, Tensor) or embeddings.ndim != 2 or len(embeddings) != len(images):
            shape = list(embeddings.shape) if isinstance(embeddings, Tensor) else type(embeddings).__name__
            raise BackboneError(
                f"Expected `embed` to give a [B, D] tensor, but got {shape} for a batch of {len(images)}"
            )
        return embeddings

    together, again, swapped, *alone = _passes(backbone, embed)
    reason = _difference(backbone, together, again, swapped.flip(0), torch.cat(alone))
    if reason:
        raise BackboneError(f"the embedding of an image {reason}")


def _passes(backbone: Backbone, run: Callable[[Tensor], Outcome]) -> list[Outcome]:
    """Run two unlike images together, once more, in the other order, and each alone."""
    images = _unlike_images(backbone.preprocessing.size).to(backbone.device)
    parts = (images, images, images.flip(0), *images.split(1))
    with torch.no_grad(), torch.autocast(images.device.type, enabled=False):
        try:
            return [run(part) for part in parts]
        except (RuntimeError, TypeError, LookupError, AttributeError) as error:
            size = list(backbone.preprocessing.size)
            raise BackboneError(f"the network does not run on crops of {size}: {error}") from error


def _unlike_images(size: tuple[int, int]) -> Tensor:
    """Make a rough and a smooth image, so that norms of a mixture differ from both: `[2, 3, *size]` in 0..1."""
    generator = torch.Generator().manual_seed(0)
    rough = torch.rand(1, 3, *size, generator=generator)
    smooth = interpolate(torch.rand(1, 3, 3, 3, generator=generator), size, mode="bilinear")
    return torch.cat([rough, smooth])


def _difference(backbone: Backbone, together: Tensor, again: Tensor, swapped: Tensor, alone: Tensor) -> str:
    """Say how the values of two images differ between passes, each `[2, ...]`; empty if by no more than rounding.

    What counts is the change beside the difference between the two images: in a network that was not trained, that is
    often a thousandth of the values.
    """
    rounding = ROUNDING if backbone.device.type == "cpu" and backbone.dtype in FULL else ROUNDING_OF_LESS_PRECISE
    spread = _length(alone[:1] - alone[1:])

    def differ(other: Tensor) -> bool:
        change, rounded = _length(together - other), rounding * _length(together)
        large = (change > rounded) & ((change > SHARE_OF_SPREAD * spread) | (change > MOST_ROUNDING * rounded))
        return bool(large.any()) or not torch.equal(together.isfinite(), other.isfinite())

    if differ(again):
        return "changes from pass to pass"
    return "depends on the other images of its batch" if differ(swapped) or differ(alone) else ""


def _length(values: Tensor) -> Tensor:
    """L2 norm of each row, `[n, ...]` to `[n]` float64; values that are not finite count as 0."""
    return torch.linalg.vector_norm(values.double().nan_to_num(0, 0, 0).flatten(1), dim=1)
