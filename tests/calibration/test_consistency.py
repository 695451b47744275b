"""An Observer whose parts contradict each other is refused, whatever else it says."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor

from froq_lightning.backbones.spec import Backbone
from froq_lightning.calibration.observer import BackboneIdentity, CalibrationSet, Observer
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
        (lambda c: c.update(layers=[]), "at least one layer"),
        (lambda c: c["calibration_set"].update(images=3), "10 calibration images or more, but got 3"),
        (lambda c: c["candidates"].append(c["candidates"][0]), "candidate 'stem' stands there twice"),
        (lambda c: first(c, "candidates", utility=None), "'stem' has no utility, and no reason for that"),
        (lambda c: first(c, "candidates", utility=1.5), r"utilities in -1\.\.1, but got 1\.5 of 'stem'"),
        (lambda c: first(c, "candidates", repeats="else"), "'stem' repeats 'else', which is none"),
        (lambda c: first(c, "trajectory", layer="else"), "step 'else' of the trajectory is no candidate"),
        (lambda c: c["trajectory"].append(c["trajectory"][0]), "or stands there twice"),
        (lambda c: first(c, "trajectory", set_utility=7.0), "set_utility|Expected set utilities"),
        (lambda c: c.update(set_utility=0.123), r"set_utility 0\.123 is not that of the trajectory"),
        (lambda c: c.update(set_utility=1.5, trajectory=[]), "Expected set utilities in"),
        (lambda c: c.update(cross_validated=found(rho=1.2)), "rho within its interval, in -1..1, but got 1.2"),
        (lambda c: c.update(cross_validated=found(interval=[0.6, 0.8])), "rho within its interval"),
        (lambda c: c.update(cross_validated=found(interval=[0.8, 0.2])), "rho within its interval"),
        (lambda c: c.update(cross_validated=found(images=0)), "2 groups or more and as many images"),
        (lambda c: c.update(cross_validated=found(groups=15)), "2 groups or more and as many images"),
        (lambda c: first(c, "layers", weight=0.0), "Expected layers with a weight that is finite and not 0"),
        (lambda c: first(c, "layers", weight=-1.0), "Expected weights of 1, since `aggregation` 'mean_norm'"),
        (lambda c: first(c, "layers", weight=2.0), "Expected weights of 1, since `aggregation` 'mean_norm'"),
        (lambda c: (c.update(trajectory=[]), first(c, "layers", name="else")), "layer 'else' is no candidate"),
        (lambda c: c.update(trajectory=[], layers=c["layers"][:1] * 2), "or stands there twice"),
        (rename_layer, "are not the first of the trajectory"),
        (drop_from_trajectory, "are not the first of the trajectory"),
        (lambda c: first(c, "layers", utility=0.5), r"has utility 0\.5, its candidate"),
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


def test_the_true_one_is_read(content: Content) -> None:
    assert Observer.load("true.json").calibration_set.images == content["calibration_set"]["images"]
