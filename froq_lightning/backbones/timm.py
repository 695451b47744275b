"""Built in: any timm architecture as a backbone, with a local weights file or from the hub."""

from typing import Any

import timm
from torch import nn

from froq_lightning.backbones.hub import HubModel, hub_model, is_from_hub
from froq_lightning.backbones.spec import Backbone, ChannelOrder, Preprocessing
from froq_lightning.errors import ConfigurationError, UnknownNameError


def timm_backbone(  # noqa: PLR0913 - options of the command line
    architecture: str,
    weights: str | None = None,
    *,
    num_classes: int | None = None,
    layers: tuple[str, ...] | list[str] = ("*",),
    size: tuple[int, int] | list[int] | int | None = None,
    channel_order: ChannelOrder = "RGB",
    mean: tuple[float, float, float] | list[float] | float | None = None,
    std: tuple[float, float, float] | list[float] | float | None = None,
    alignment: str = "arcface",
    state_dict_key: str | None = None,
    prefix: str = "",
    licence: str = "unknown",
    **model_options: Any,
) -> Backbone:
    """Build a timm network that maps face crops to embeddings.

    Args:
        architecture: a timm name ("edgenext_xx_small"), or a network with weights of its own: "hf_hub:owner/name", or
            "local-dir:folder" with its config.json and weights, such as model.safetensors.
        weights: local checkpoint, or folder of one; without it a plain architecture starts random.
        num_classes: length of the embedding, 512 unless the network says otherwise; 0 for networks that end at their
            pooled features.
        layers: candidate layers, dotted names or globs.
        size: of the crop in pixels, one number or (height, width); 112 unless the network says otherwise.
        channel_order: order of the channels that the network was trained with.
        mean: of the red, green and blue channel on the 0..1 scale, or one number for all; 0.5 unless the network says
            otherwise.
        std: likewise.
        alignment: template that the crops follow.
        state_dict_key: entry of the checkpoint that holds the state dict; without it, that is found by its content.
        prefix: of the state dict's keys, cut off; without it, one that all keys share is found.
        licence: of the weights, recorded in the artefacts.
        model_options: passed on to `timm.create_model`.

    Raises:
        UnknownNameError: for an unknown architecture or layer.
        DataNotFoundError: if a file does not exist.
        WeightsError: if the weights cannot be read, downloaded or do not fit.
    """
    stated = hub_model(architecture, weights) if is_from_hub(architecture) else HubModel(architecture)
    options = {"num_classes": 512} | stated.options | model_options
    if num_classes is not None:
        options["num_classes"] = num_classes
    return Backbone.with_weights(
        _create(stated.architecture, options),
        Preprocessing(
            _pair(stated.size if size is None else size),
            channel_order,
            _triple(stated.mean if mean is None else mean),
            _triple(stated.std if std is None else std),
            alignment,
        ),
        weights or stated.weights,
        key=state_dict_key,
        prefix=prefix,
        licence=licence,
        candidate_layers=tuple(layers),
    )


def _create(architecture: str, options: dict[str, Any]) -> nn.Module:
    name = architecture.split(".", 1)[0]
    if not timm.is_model(name):
        raise UnknownNameError.among("timm architecture", name, timm.list_models())
    try:
        return timm.create_model(architecture, pretrained=False, **options)
    except TypeError as error:
        first = str(error).partition("\n")[0]
        raise ConfigurationError(f"timm architecture {architecture!r}: {first}") from error


def _pair(value: tuple[int, int] | list[int] | int) -> tuple[int, int]:
    height, width = (value, value) if isinstance(value, int) else value
    return height, width


def _triple(value: tuple[float, ...] | list[float] | float) -> tuple[float, float, float]:
    red, green, blue = (value,) * 3 if isinstance(value, (int, float)) else value
    return float(red), float(green), float(blue)
