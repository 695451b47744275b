"""The Observer as a file, as a guard against the wrong network, and as a scale from 0 to 100."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from froq_lightning.backbones.spec import Backbone
from froq_lightning.calibration.backbone_identity import BackboneIdentity
from froq_lightning.calibration.budget import Budget
from froq_lightning.calibration.observer import ObservedLayer, Observer
from froq_lightning.calibration.set_utility import SetUtility
from froq_lightning.errors import DataNotFoundError, ObserverError


def test_what_is_saved_comes_back_equal_and_gives_the_same_bytes(observer: Observer, tmp_path: Path) -> None:
    file = tmp_path / "made" / "here" / "observer.json"
    observer.save(file)
    assert list(file.parent.iterdir()) == [file]
    assert "somewhere.pt" not in file.read_text(encoding="utf-8"), "the place of the weights is left out"
    assert Observer.load(file) == observer
    Observer.load(file).save("again.json")
    assert Path("again.json").read_bytes() == file.read_bytes()


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(DataNotFoundError, match=r"'none\.json' does not exist"):
        Observer.load("none.json")


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("observer", ["paper", "distinct"], indirect=True)
def test_an_observer_of_an_older_layout_is_read_and_gives_the_very_same_scores(
    version: int, observer: Observer, small_norms: Tensor, small_backbone: Backbone
) -> None:
    content = dataclasses.asdict(observer) | {"schema_version": version}
    for key in ["cross_validated", "budget"][: 3 - version]:
        content.pop(key)
    for layer in content["layers"]:
        assert layer.pop("weight") == 1
    Path("old.json").write_text(json.dumps(content), encoding="utf-8")
    loaded = Observer.load("old.json")
    assert loaded == dataclasses.replace(observer, cross_validated=None)
    assert loaded.budget == Budget(max_cost=1.0, tolerance=0.0)
    norms = small_norms[:, [small_backbone.candidate_layers.index(layer.name) for layer in loaded.layers]].double()
    means, stds = torch.tensor([(layer.mean, layer.std) for layer in loaded.layers], dtype=torch.float64).T
    standardised = loaded.aggregation == "mean_standardised_norm"
    assert torch.equal(loaded.scores(norms), ((norms - means) / stds if standardised else norms).mean(dim=1))
    loaded.save("again.json")
    assert json.loads(Path("again.json").read_text())["schema_version"] == 3
    assert Observer.load("again.json") == loaded


@pytest.mark.parametrize("observer", ["distinct"], indirect=True)
def test_a_layer_of_larger_weight_moves_the_score_more(observer: Observer) -> None:
    candidates = [each for each in observer.candidates if each.name in ("stem", "head")]
    layers = tuple(
        ObservedLayer(each.name, each.utility or 0.0, 0.0, 1.0, weight)
        for each, weight in zip(candidates, (1.0, 3.0), strict=True)
    )
    weighted = dataclasses.replace(observer, layers=layers, trajectory=())
    assert weighted.scores(torch.tensor([[4.0, 0.0], [0.0, 4.0]])).tolist() == [1.0, 3.0]


@pytest.mark.parametrize("rho", [0.4, None])
def test_the_agreement_is_that_on_unseen_images_if_it_is_known(rho: float | None, observer: Observer) -> None:
    utility = SetUtility(rho, 14, 5, (-0.1, 0.8))
    validated = dataclasses.replace(observer, cross_validated=utility)
    validated.save("validated.json")
    assert Observer.load("validated.json") == validated
    assert validated.agreement == utility
    assert dataclasses.replace(observer, cross_validated=None).agreement == SetUtility(observer.set_utility, 14)


def test_the_same_network_is_accepted_whatever_the_version_and_the_place_of_the_weights(
    observer: Observer, small_backbone: Backbone
) -> None:
    options = {"architecture": "small", "layers": ("*",), "weights": "else/where.pt"}
    observer.require(small_backbone, BackboneIdentity.of(small_backbone, "small", options, "froq-small", "9"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda _: {"name": "large"}, "made for backbone 'small', not for 'large'"),
        (
            lambda _: {"options": {"architecture": "wide", "layers": ["*"]}},
            "options architecture 'small' there, 'wide' here",
        ),
        (lambda _: {"options": {"architecture": "small"}}, r"options layers \['\*'\] there, None here"),
        (
            lambda own: {"weights": dataclasses.replace(own.weights, sha256="f" * 64)},
            r"weights sha256 \w{12} there, sha256 ffffffffffff here",
        ),
        (
            lambda own: {"preprocessing": dataclasses.replace(own.preprocessing, channel_order="BGR")},
            "preprocessing channel_order 'RGB' there, 'BGR' here",
        ),
    ],
    ids=["name", "option", "missing option", "weights", "preprocessing"],
)
def test_another_network_is_refused_with_the_difference(
    change: Callable[[BackboneIdentity], dict[str, Any]], message: str, observer: Observer, small_backbone: Backbone
) -> None:
    identity = observer.backbone
    with pytest.raises(ObserverError, match=message):
        observer.require(small_backbone, dataclasses.replace(identity, **change(identity)))


def test_other_candidate_layers_are_refused(observer: Observer, small_backbone: Backbone) -> None:
    fewer = dataclasses.replace(small_backbone, candidate_layers=("stem*", "body*", "pool"))
    with pytest.raises(ObserverError, match=r"candidate layers \['head'\] only there, \[\] only here"):
        observer.require(fewer, observer.backbone)


def test_the_calibration_images_lie_between_the_outer_quantiles(
    observer: Observer, small_norms: Tensor, small_backbone: Backbone
) -> None:
    columns = [small_backbone.candidate_layers.index(layer.name) for layer in observer.layers]
    scores = observer.scores(small_norms[:, columns])
    assert [float(scores.min()), float(scores.max())] == pytest.approx([observer.quantiles[0], observer.quantiles[-1]])


def test_quality_is_the_percentage_of_the_calibration_set_that_scored_lower(observer: Observer) -> None:
    scale = dataclasses.replace(observer, quantiles=tuple(float(value) for value in range(101)))
    quality = scale.quality(torch.tensor([-5.0, 0.0, 0.5, 25.5, 99.5, 100.5, torch.nan]))
    assert quality.dtype == torch.int64
    assert quality.tolist() == [0, 0, 0, 25, 99, 100, -1]
