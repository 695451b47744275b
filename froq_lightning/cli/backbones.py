"""`froq backbones show | check`."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import yaml

from froq_lightning.backbones.registry import create_backbone
from froq_lightning.backbones.spec import Backbone
from froq_lightning.cli.option_paths import expand_home
from froq_lightning.cli.yaml_limits import load_yaml
from froq_lightning.conformance import check_backbone, writes_into_input
from froq_lightning.errors import BackboneError, ConfigurationError, FroqError
from froq_lightning.extensions import Extension, describe
from froq_lightning.observation.layers import Layer, survey_layers
from froq_lightning.terminal import text_table


def run_show(plugin: Extension, options: Sequence[str]) -> None:
    """Tell how a network is fed, and its candidate layers; `options` are "key=value" texts for its factory."""
    backbone = create_backbone(plugin.name, **_parsed(options))
    with _failures_of(plugin):
        layers = survey_layers(backbone)
    print(_shown(plugin, backbone, layers))


def run_check(plugin: Extension, options: Sequence[str]) -> None:
    """Test the contract of a network, built with `options`."""
    backbone = create_backbone(plugin.name, **_parsed(options))
    with _failures_of(plugin):
        layers = check_backbone(backbone)
    silent = [layer for layer in layers if layer.reason]
    print(f"{plugin.name}: the contract holds; {len(layers) - len(silent)} layers can be observed", end="")
    print("".join(f"\n  left out: {layer.name} {layer.reason}" for layer in silent))
    if writes_into_input(backbone):
        print("  remark: the network changes its input in place; froq gives it a copy in every pass")


@contextmanager
def _failures_of(plugin: Extension) -> Iterator[None]:
    """Tell whatever the code of a plugin raises as an error of that plugin."""
    try:
        yield
    except FroqError:
        raise
    except Exception as error:
        raise BackboneError(f"the network of {plugin.name!r} fails: {describe(error)}") from error


def _shown(plugin: Extension, backbone: Backbone, layers: Sequence[Layer]) -> str:
    fed, weights = backbone.preprocessing, backbone.weights
    rows = [
        [
            layer.name,
            layer.kind,
            " x ".join(map(str, layer.shape)),
            f"{layer.cost:.1%}" if not layer.reason else "",
            layer.reason or (f"repeats {layer.repeats}" if layer.repeats else ""),
        ]
        for layer in layers
    ]
    repeating = sum(bool(layer.repeats) for layer in layers)
    silent = sum(bool(layer.reason) for layer in layers)
    return "\n".join(
        [
            f"{plugin.name} of {plugin.distribution} {plugin.version} ({plugin.target}), code {plugin.licence}",
            f"weights: {weights.source}, sha256 {weights.sha256[:16]}…, licence {weights.licence}",
            f"input: {fed.size[1]} x {fed.size[0]} {fed.channel_order}, {fed.alignment!r} alignment, "
            f"mean {_rounded(fed.mean)}, std {_rounded(fed.std)} (RGB, 0..1)",
            f"observer: {'ships with the backbone' if backbone.observer else 'none; calibrate one with froq validate'}",
            f"{len(layers)} candidate layers as executed; {repeating} repeat another, {silent} cannot be observed",
            text_table(["layer", "module", "shape", "cost to reach", "remark"], rows),
        ]
    )


def _rounded(values: Sequence[float]) -> str:
    return "(" + ", ".join(f"{value:.4g}" for value in values) + ")"


def _parsed(options: Sequence[str]) -> dict[str, Any]:
    parsed = {}
    for option in options:
        key, equals, value = option.partition("=")
        if not equals:
            raise ConfigurationError(f"Expected options as key=value, but got {option!r}")
        try:
            parsed[key.removeprefix("--")] = expand_home(load_yaml(value))
        except yaml.YAMLError as error:
            raise ConfigurationError(f"Expected {key}=value in YAML, but got {value!r}: {error}") from error
    return parsed
