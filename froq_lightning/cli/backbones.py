"""`froq backbones list | show | check`."""

from collections.abc import Sequence
from typing import Any

import yaml

from froq_lightning.backbones.inspection import defect
from froq_lightning.backbones.registry import ALIGNERS, BACKBONES, create_backbone, discover, find
from froq_lightning.backbones.spec import Backbone
from froq_lightning.callbacks.tables import text_table
from froq_lightning.conformance import check_backbone
from froq_lightning.errors import ConfigurationError
from froq_lightning.observation.layers import Layer, survey_layers


def run_backbones(action: str, name: str, options: Sequence[str]) -> None:
    """Run one of the three commands; `options` are "key=value" texts for the backbone's factory."""
    if action == "list":
        print(_listing())
        return
    backbone = create_backbone(name, **_parsed(options))
    if action == "show":
        print(_shown(name, backbone, survey_layers(backbone)))
    else:
        layers = check_backbone(backbone)
        silent = [layer for layer in layers if layer.reason]
        print(f"{name}: the contract holds; {len(layers) - len(silent)} layers can be observed", end="")
        print("".join(f"\n  left out: {layer.name} {layer.reason}" for layer in silent))


def _listing() -> str:
    tables = []
    for title, group in (("backbone", BACKBONES), ("aligner", ALIGNERS)):
        found = discover(group)
        defects = {
            name: defect(plugin.target, of_backbones=group == BACKBONES) for name, plugin in found.plugins.items()
        }
        usable = [plugin for name, plugin in found.plugins.items() if not defects[name]]
        rows = [[plugin.name, plugin.distribution, plugin.version, plugin.licence] for plugin in usable]
        tables.append(
            text_table([title, "distribution", "version", "licence of the code"], rows or [["none", "", "", ""]])
        )
        tables += [f"  unusable: {problem.where} {problem.reason}" for problem in found.problems]
        tables += [
            f"  unusable: {name} of {found.plugins[name].distribution}: {reason}"
            for name, reason in defects.items()
            if reason
        ]
    return "\n".join(tables)


def _shown(name: str, backbone: Backbone, layers: Sequence[Layer]) -> str:
    plugin, fed, weights = find(BACKBONES, name), backbone.preprocessing, backbone.weights
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
            f"{name} of {plugin.distribution} {plugin.version} ({plugin.target}), code {plugin.licence}",
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
        parsed[key.removeprefix("--")] = yaml.safe_load(value)
    return parsed
