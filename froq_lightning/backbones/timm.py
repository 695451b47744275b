"""Built in: any timm architecture as a backbone, with a local weights file or from the hub."""

from typing import Any

import timm
from torch import nn

from froq_lightning.backbones.spec import Backbone, ChannelOrder, Preprocessing
from froq_lightning.errors import ConfigurationError, UnknownNameError, WeightsError


def timm_backbone(  # noqa: PLR0913 - options of the command line
    architecture: str,
    weights: str | None = None,
    *,
    num_classes: int = 512,
    layers: tuple[str, ...] | list[str] = ("*",),
    size: tuple[int, int] | list[int] | int = 112,
    channel_order: ChannelOrder = "RGB",
    mean: tuple[float, float, float] | list[float] | float = 0.5,
    std: tuple[float, float, float] | list[float] | float = 0.5,
    alignment: str = "arcface",
    state_dict_key: str | None = None,
    prefix: str = "",
    licence: str = "unknown",
    **model_options: Any,
) -> Backbone:
    """Build a timm network that maps face crops to embeddings.

    Args:
        architecture: a timm name ("edgenext_xx_small"), or a hub id ("hf_hub:owner/name") with weights of its own.
        weights: local checkpoint (.safetensors, .pt, .pth, .ckpt); without it a plain architecture starts random.
        num_classes: length of the embedding; 0 for networks that end at their pooled features. A hub id brings its own.
        layers: candidate layers, dotted names or globs.
        size: of the crop in pixels, one number or (height, width).
        channel_order: order of the channels that the network was trained with.
        mean: of the red, green and blue channel on the 0..1 scale, or one number for all.
        std: of the red, green and blue channel on the 0..1 scale, or one number for all.
        alignment: template that the crops follow.
        state_dict_key: entry of the checkpoint that holds the state dict; without it the usual ones are tried.
        prefix: of the state dict's keys, cut off.
        licence: of the weights, recorded in the artefacts.
        model_options: passed on to `timm.create_model`.

    Raises:
        UnknownNameError: for an unknown architecture or layer.
        WeightsError: if the weights cannot be read, downloaded or do not fit.
    """
    from_hub = architecture.startswith(("hf_hub:", "hf-hub:"))
    if not from_hub:
        model_options["num_classes"] = num_classes
        _require_known(architecture)
    network = _create(architecture, pretrained=from_hub and weights is None, options=model_options)
    height, width = (size, size) if isinstance(size, int) else size
    return Backbone.with_weights(
        network,
        Preprocessing((height, width), channel_order, _triple(mean), _triple(std), alignment),
        weights,
        key=state_dict_key,
        prefix=prefix,
        licence=licence,
        candidate_layers=tuple(layers),
    )


def _require_known(architecture: str) -> None:
    name = architecture.split(".", 1)[0]
    if not timm.is_model(name):
        raise UnknownNameError.among("timm architecture", name, timm.list_models())


def _create(architecture: str, *, pretrained: bool, options: dict[str, Any]) -> nn.Module:
    try:
        return timm.create_model(architecture, pretrained=pretrained, **options)
    except TypeError as error:
        raise ConfigurationError(f"timm architecture {architecture!r}: {error}") from error
    except Exception as error:
        if not architecture.startswith(("hf_hub:", "hf-hub:")):
            raise
        hint = "download its config.json and model.safetensors and give the latter as `weights`"
        raise WeightsError(f"{architecture} could not be fetched ({type(error).__name__}); {hint}") from error


def _triple(value: tuple[float, ...] | list[float] | float) -> tuple[float, float, float]:
    red, green, blue = (value,) * 3 if isinstance(value, (int, float)) else value
    return float(red), float(green), float(blue)
