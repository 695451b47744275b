"""An Observer whose parts contradict each other is refused, whatever else it says."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor

from froq_lightning.backbones.spec import Backbone
from froq_lightning.calibration.backbone_identity import BackboneIdentity
from froq_lightning.calibration.observer import CalibrationSet, Observer
from froq_lightning.calibration.rules.registry import create_rule
from froq_lightning.calibration.selection import select_layers
from froq_lightning.errors import ObserverError
from froq_lightning.observation.norms import LayerNorms

Content = dict[str, Any]


@pytest.fixture
def content(small_backbone: Backbone, small_images: Tensor) -> Content:
    """A true Observer, as its file holds it."""
    with LayerNorms(small_backbone.network, small_backbone.candidate_layers) as layer_norms:
        norms = layer_norms.observe(small_backbone.preprocessing(small_images)).norms
    labels = norms[:, 2] + norms[:, 4]
    selection = select_layers(norms, labels, small_backbone.candidate_layers, create_rule("paper"))
    identity = BackboneIdentity.of(small_backbone, "small", {}, "froq-small", "1.2")
    Observer.from_selection(selection, identity, "paper", CalibrationSet(14, 0, {})).save("true.json")
    return json.loads(Path("true.json").read_text())


def first(content: Content, part: str, **changes: Any) -> None:
    content[part][0].update(changes)


def found(**changes: Any) -> Content:
    return {"rho": 0.5, "images": 14, "groups": 7, "interval": [0.2, 0.7]} | changes


def rename_layer(content: Content) -> None:
    first(content, "layers", name=content["candidates"][-1]["name"])


def drop_from_trajectory(content: Content) -> None:
    content["trajectory"].pop(0)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda c: c["quantiles"].pop(), "101 ascending quantiles, but got 100"),
        (lambda c: c["quantiles"].reverse(), "101 ascending quantiles"),
        (lambda c: first(c, "layers", std=0.0), "positive std"),
        (lambda c: first(c, "layers", mean=-1.0), "mean of 0 or more"),
        (lambda c: first(c, "layers", weight=0.0), "Expected layers with a weight that is finite and not 0"),
        (lambda c: first(c, "layers", weight=2.0), "Expected weights of 1, since `aggregation` 'mean_norm'"),
        (lambda c: first(c, "layers", utility=0.5), "Expected layers with the utilities of their candidates"),
        (lambda c: c.update(layers=[]), "at least one layer"),
        (lambda c: c.update(trajectory=[], layers=c["layers"][:1] * 2), "every layer once"),
        (lambda c: (c.update(trajectory=[]), first(c, "layers", name="else")), "among the candidates, but got 'else'"),
        (rename_layer, "the utilities of their candidates|the first of the trajectory"),
        (drop_from_trajectory, "the first of the trajectory"),
        (lambda c: c["calibration_set"].update(images=3), "10 calibration images or more, but got 3"),
        (lambda c: c["candidates"].append(c["candidates"][0]), "every layer once, but got 'stem' twice"),
        (lambda c: first(c, "candidates", utility=1.5), r"utilities in -1\.\.1, but got 1\.5|utilities of their"),
        (lambda c: first(c, "trajectory", layer="else"), "among the candidates, but got 'else'"),
        (lambda c: first(c, "trajectory", set_utility=7.0), r"utilities in -1\.\.1, but got 7"),
        (lambda c: c.update(set_utility=1.5), r"utilities in -1\.\.1, but got 1\.5"),
        (lambda c: c.update(cross_validated=found(rho=1.2)), r"utilities in -1\.\.1, but got 1\.2"),
        (lambda c: c.update(cross_validated=found(interval=[0.8, 0.2])), "ascending interval"),
    ],
)
def test_a_contradiction_is_told(change: Callable[[Content], Any], told: str, content: Content) -> None:
    change(content)
    Path("changed.json").write_text(json.dumps(content))
    with pytest.raises(ObserverError, match=rf"changed\.json is no Observer: .*({told})"):
        Observer.load("changed.json")


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.update(trajectory=[], layers=c["layers"][::-1], set_utility=0.1),
        lambda c: c.update(cross_validated=found()),
        lambda c: c.update(cross_validated=found(rho=None, groups=None, interval=[-1.0, 1.0])),
        lambda c: c.update(cross_validated=None),
        lambda c: c.update(preset="that of another distribution"),
    ],
    ids=["no search", "groups", "not defined", "not known", "preset"],
)
def test_what_a_calibration_can_find_is_read(change: Callable[[Content], Any], content: Content) -> None:
    change(content)
    Path("changed.json").write_text(json.dumps(content))
    assert [layer.name for layer in Observer.load("changed.json").layers] == [one["name"] for one in content["layers"]]
