"""check_backbone(): what a plugin's own tests call to know that their network can be observed."""

import torch

from froq_lightning.backbones.spec import Backbone
from froq_lightning.errors import BackboneError
from froq_lightning.observation.independence import require_independent_embedding
from froq_lightning.observation.layers import Layer, survey_layers


def check_backbone(backbone: Backbone, *, allow_silent: bool = True) -> tuple[Layer, ...]:
    """Check that a backbone keeps its contract, and return its candidate layers in execution order.

    Checked are: eval mode without gradients; the embedding is a finite `[B, D]` tensor, the same for an image
    whatever the batch and in every pass, and changes with the image; a declared quality is a finite number per image;
    at least one candidate layer can be observed.

    Args:
        backbone: the backbone.
        allow_silent: whether candidates that never fire, return no tensor of the batch, or have norms that depend on
            the other images of the batch, are merely reported.

    Raises:
        BackboneError: naming what is wrong, and the layers concerned.
    """
    if backbone.network.training or any(module.training for module in backbone.network.modules()):
        raise BackboneError("the network is not in eval mode")
    if any(parameter.requires_grad for parameter in backbone.network.parameters()):
        raise BackboneError("the network's parameters ask for gradients")
    require_independent_embedding(backbone)
    _check_embedding(backbone)
    _check_quality(backbone)
    layers = survey_layers(backbone)
    silent = [f"{layer.name} {layer.reason}" for layer in layers if layer.reason]
    if silent and not allow_silent:
        raise BackboneError(f"{len(silent)} candidate layers cannot be observed: {'; '.join(silent[:5])}")
    if len(silent) == len(layers):
        raise BackboneError(f"none of the {len(layers)} candidate layers can be observed: {'; '.join(silent[:5])}")
    return layers


def writes_into_input(backbone: Backbone) -> bool:
    """Whether the network changes the tensor that it is given; froq gives it a copy, other callers may not."""
    given = backbone.inputs(torch.rand(2, 3, *backbone.preprocessing.size, generator=torch.Generator().manual_seed(3)))
    before = given.clone()
    with torch.no_grad():
        backbone.network(given)
    return given.shape != before.shape or not torch.equal(given, before)


def _check_embedding(backbone: Backbone) -> None:
    images = torch.rand(3, 3, *backbone.preprocessing.size, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        together = backbone.embed(backbone.run(backbone.inputs(images)))
    if not bool(torch.isfinite(together).all()):
        raise BackboneError("the embedding is not finite")
    if torch.equal(together[0], together[1]):
        raise BackboneError("different images give the same embedding")


def _check_quality(backbone: Backbone) -> None:
    if backbone.quality is None:
        return
    images = torch.rand(2, 3, *backbone.preprocessing.size, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        quality = backbone.quality(backbone.run(backbone.inputs(images)))
    if not isinstance(quality, torch.Tensor) or quality.shape != (2,) or not bool(torch.isfinite(quality).all()):
        shape = list(quality.shape) if isinstance(quality, torch.Tensor) else type(quality).__name__
        raise BackboneError(f"Expected `quality` to give a finite [B] tensor, but got {shape} for a batch of 2")
