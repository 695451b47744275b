"""`froq backbones list | show | check`. Only the latter two import torch, and the plugin that they are about."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import yaml

from froq_lightning.cli.option_paths import expand_home
from froq_lightning.cli.yaml_loader import load_yaml
from froq_lightning.errors import BackboneError, ConfigurationError, ExtensionError, FroqError
from froq_lightning.extensions import ALIGNERS, BACKBONES, Extension, describe, discover
from froq_lightning.terminal import Line, Part, Table, show

if TYPE_CHECKING:  # imports torch
    from froq_lightning.backbones.spec import Backbone
    from froq_lightning.observation.layers import Layer


def run_list(*, check: bool = False) -> None:
    """Print which backbones and aligners are installed, from the metadata of their distributions alone.

    Args:
        check: whether to import each, and to print the reason where that fails.
    """
    for title, group in (("backbone", BACKBONES), ("aligner", ALIGNERS)):
        discovery = discover(group)
        rows, problems = [], [f"{problem.where} {problem.reason}" for problem in discovery.problems]
        for plugin in discovery.plugins.values():
            if check and (problem := _problem(plugin)):
                problems.append(problem)
            else:
                rows.append([plugin.name, plugin.distribution, plugin.version, plugin.licence])
        show(Table([title, "distribution", "version", "licence of the code"], rows or [["none", "", "", ""]]))
        show(*(Line(f"  unusable: {problem}", "failure") for problem in problems))


def _problem(plugin: Extension) -> str:
    """Return why a factory cannot be called; empty if it can."""
    try:
        usable = callable(plugin.load())
    except ExtensionError as error:
        return str(error)
    return "" if usable else f"{plugin.name!r} of {plugin.distribution}: {plugin.target} is not callable"


def run_show(plugin: Extension, options: Sequence[str]) -> None:
    """Print how a network is fed, and its candidate layers; `options` are "key=value" texts for its factory."""
    from froq_lightning.backbones.registry import create_backbone  # noqa: PLC0415 - imports torch
    from froq_lightning.observation.layers import survey_layers  # noqa: PLC0415 - imports torch

    backbone = create_backbone(plugin.name, **_parsed(options))
    with _failures_of(plugin):
        layers = survey_layers(backbone)
    show(*_description(plugin, backbone, layers))


def run_check(plugin: Extension, options: Sequence[str]) -> None:
    """Test the contract of a network, built with `options`."""
    from froq_lightning.backbones.registry import create_backbone  # noqa: PLC0415 - imports torch
    from froq_lightning.conformance import check_backbone, writes_into_input  # noqa: PLC0415 - imports torch

    backbone = create_backbone(plugin.name, **_parsed(options))
    with _failures_of(plugin):
        layers = check_backbone(backbone)
    silent = [layer for layer in layers if layer.reason]
    show(Line(f"{plugin.name}: the contract holds; {len(layers) - len(silent)} layers can be observed", "title"))
    show(*(f"  left out: {layer.name} {layer.reason}" for layer in silent))
    if writes_into_input(backbone):
        show(Line("  remark: the network changes its input in place; froq gives it a copy in every pass", "remark"))


@contextmanager
def _failures_of(plugin: Extension) -> Iterator[None]:
    """Re-raise whatever the code of a plugin raises as an error that names the plugin."""
    try:
        yield
    except FroqError:
        raise
    except Exception as error:
        raise BackboneError(f"the network of {plugin.name!r} fails: {describe(error)}") from error


def _description(plugin: Extension, backbone: "Backbone", layers: "Sequence[Layer]") -> "Iterator[Part]":
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
    code = f"({plugin.target}), code {plugin.licence}"
    yield Line(f"{plugin.name} of {plugin.distribution} {plugin.version} {code}", "title")
    yield f"weights: {weights.source}, sha256 {weights.sha256[:16]}…, licence {weights.licence}"
    scaling = f"mean {_rounded(fed.mean)}, std {_rounded(fed.std)} (RGB, 0..1)"
    yield f"input: {fed.size[1]} x {fed.size[0]} {fed.channel_order}, {fed.alignment!r} alignment, {scaling}"
    yield f"observer: {'ships with the backbone' if backbone.observer else 'none; calibrate one with froq validate'}"
    yield f"{len(layers)} candidate layers as executed; {repeating} repeat another, {silent} cannot be observed"
    yield Table(["layer", "module", "shape", "cost to reach", "remark"], rows)


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
