"""Whether a network can be observed: what `froq backbones check` runs, and what the tests of a plugin run."""

from collections.abc import Callable
from copy import deepcopy

import torch
from torch import Tensor

from froq_lightning.backbones.memory_format import set_memory_format
from froq_lightning.backbones.spec import Backbone
from froq_lightning.conformance.channel_order import check_channel_order
from froq_lightning.errors import BackboneError, ImageError
from froq_lightning.observation.independence import require_independent_embedding
from froq_lightning.observation.layers import Layer, survey_layers

BackboneCheck = Callable[[Backbone], object]
# Passes of one image in two batches, or of bytes and floats, may differ by this share of the embedding's length.
ROUNDING = 1e-3


def check_backbone(backbone: Backbone, *, allow_silent: bool = True) -> tuple[Layer, ...]:
    """Run all checks of a backbone, and return its candidate layers in execution order.

    Args:
        backbone: the backbone.
        allow_silent: whether candidates that never fire, return no tensor of the batch, or have norms that depend on
            the other images of the batch, are merely reported.

    Raises:
        BackboneError: naming what is wrong, and the layers concerned.
    """
    for check in _CHECKS:
        check(backbone)
    layers = check_candidate_layers(backbone)
    silent = _silent(layers)
    if silent and not allow_silent:
        raise BackboneError(f"{len(silent)} candidate layers cannot be observed: {'; '.join(silent[:5])}")
    return layers


def backbone_checks() -> tuple[BackboneCheck, ...]:
    """Return the checks that `check_backbone` runs, for a test that parametrises over them.

    Each takes a backbone and raises a BackboneError. They cannot see whether the weights were trained with another
    order of channels, mean or std than the backbone declares: for that there are `check_published_input` and
    `check_channel_order_on_faces`.
    """
    return (*_CHECKS, check_candidate_layers)


def check_eval_mode(backbone: Backbone) -> None:
    """The network is in eval mode, and no parameter asks for gradients."""
    if backbone.network.training or any(module.training for module in backbone.network.modules()):
        raise BackboneError("the network is not in eval mode")
    if any(parameter.requires_grad for parameter in backbone.network.parameters()):
        raise BackboneError("the network's parameters ask for gradients")


def check_embedding(backbone: Backbone) -> None:
    """The embedding is finite, and changes with the image."""
    embeddings = _embed(backbone, _images(backbone, 3))
    if not bool(embeddings.isfinite().all()):
        raise BackboneError("the embedding is not finite")
    if torch.equal(embeddings[0], embeddings[1]):
        raise BackboneError("different images give the same embedding")


def check_run_keeps_input(backbone: Backbone) -> None:
    """A pass changes neither its input nor what an earlier pass returned, even if the network writes into both."""
    inputs = backbone.inputs(_images(backbone, 2))
    before = inputs.clone()
    with torch.no_grad():
        first = backbone.embed(backbone.run(inputs))
        kept = first.clone()
        backbone.run(backbone.inputs(1 - _images(backbone, 2)))
    if not torch.equal(inputs, before):
        raise BackboneError("Expected `run` to leave its input as it is, but it was changed")
    if not torch.equal(first, kept):
        raise BackboneError("Expected the output of a pass to stay as it is, but the next pass changed it")


def check_images(backbone: Backbone) -> None:
    """Bytes and floats of one image embed alike; another shape or range of values is refused with an ImageError."""
    levels = _images(backbone, 2).mul(255).round().to(torch.uint8)
    of_bytes, of_floats = _embed(backbone, levels), _embed(backbone, levels.float() / 255)
    if not _alike(of_bytes, of_floats):
        raise BackboneError("Expected uint8 images and the same in 0..1 to give one embedding, but they differ")
    height, width = backbone.preprocessing.size
    wrong = {
        "a crop of another size": levels[..., :-1] if width > 1 else levels.repeat(1, 1, 1, 2),
        "one image without a batch": levels[0],
        "values of -1..1": levels / 127.5 - 1,
        "values of 0..255 in floating point": levels.float(),
        "NaN": torch.full((1, 3, height, width), torch.nan),
        "whole numbers of 64 bits": levels.long(),
    }
    for description, images in wrong.items():
        try:
            backbone.inputs(images)
        except ImageError:
            continue
        raise BackboneError(f"Expected `preprocessing` to refuse {description} with an ImageError, but it took it")


def check_quality(backbone: Backbone) -> None:
    """A declared quality is a finite number for each image."""
    if backbone.quality is None:
        return
    with torch.no_grad():
        quality = backbone.quality(backbone.run(backbone.inputs(_images(backbone, 2))))
    if not isinstance(quality, Tensor) or quality.shape != (2,) or not bool(quality.isfinite().all()):
        shape = list(quality.shape) if isinstance(quality, Tensor) else type(quality).__name__
        raise BackboneError(f"Expected `quality` to give a finite [B] tensor, but got {shape} for a batch of 2")


def check_channels_last(backbone: Backbone) -> None:
    """With channels last the network embeds alike, or cannot run so and is left as it is."""
    images = _images(backbone, 2)
    turned = deepcopy(backbone)
    set_memory_format(turned, backbone.device)
    if not _alike(_embed(backbone, images), _embed(turned, images)):
        raise BackboneError("Expected the same embedding with channels last, but it differs")


def check_candidate_layers(backbone: Backbone) -> tuple[Layer, ...]:
    """At least one candidate layer can be observed: it fires, and its norm depends on the image alone."""
    layers = survey_layers(backbone)
    silent = _silent(layers)
    if len(silent) == len(layers):
        raise BackboneError(f"none of the {len(layers)} candidate layers can be observed: {'; '.join(silent[:5])}")
    return layers


def writes_into_input(backbone: Backbone) -> bool:
    """Whether the network changes the tensor that it is given; froq gives it a copy, other callers may not."""
    inputs = backbone.inputs(_images(backbone, 2))
    before = inputs.clone()
    with torch.no_grad():
        backbone.network(inputs)
    return inputs.shape != before.shape or not torch.equal(inputs, before)


_CHECKS: tuple[BackboneCheck, ...] = (
    check_eval_mode,
    require_independent_embedding,
    check_embedding,
    check_channel_order,
    check_run_keeps_input,
    check_images,
    check_quality,
    check_channels_last,
)


def _silent(layers: tuple[Layer, ...]) -> list[str]:
    return [f"{layer.name} {layer.reason}" for layer in layers if layer.reason]


def _images(backbone: Backbone, count: int) -> Tensor:
    """Draw images of noise, the same in every check: `[count, 3, *size]` in 0..1."""
    images = torch.rand(count, 3, *backbone.preprocessing.size, generator=torch.Generator().manual_seed(1))
    return images.to(backbone.device)


def _embed(backbone: Backbone, images: Tensor) -> Tensor:
    with torch.no_grad():
        return backbone.embed(backbone.run(backbone.inputs(images)))


def _alike(one: Tensor, other: Tensor) -> bool:
    """Whether embeddings `[B, D]` differ by no more than rounding."""
    return bool(((one - other).norm(dim=1) <= ROUNDING * one.norm(dim=1)).all())
