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
from froq_lightning.calibration.observer import CalibrationSet, ObservedLayer, Observer
from froq_lightning.calibration.rules.registry import create_rule
from froq_lightning.calibration.selection import select_layers
from froq_lightning.calibration.set_utility import SetUtility
from froq_lightning.errors import DataNotFoundError, ObserverError
from froq_lightning.observation.norms import LayerNorms

LABELS = torch.linspace(0.9, 0.4, 14)
OPTIONS = {"architecture": "small", "layers": ("*",), "weights": "somewhere.pt"}


@pytest.fixture
def identity(small_backbone: Backbone) -> BackboneIdentity:
    return BackboneIdentity.of(small_backbone, "small", OPTIONS, "froq-small", "1.2")


@pytest.fixture
def norms(small_backbone: Backbone, small_images: Tensor) -> Tensor:
    with LayerNorms(small_backbone.network, small_backbone.candidate_layers) as layer_norms:
        return layer_norms.observe(small_backbone.preprocessing(small_images)).norms


@pytest.fixture(params=["distinct", "paper", "ridge"])
def observer(
    request: pytest.FixtureRequest, norms: Tensor, small_backbone: Backbone, identity: BackboneIdentity
) -> Observer:
    preset = create_rule(request.param)
    selection = select_layers(norms, LABELS, small_backbone.candidate_layers, preset)
    images = CalibrationSet(14, 1, {"flip": True, "noise": 3})
    return Observer.from_selection(selection, identity, request.param, images)


@pytest.fixture
def file(observer: Observer, tmp_path: Path) -> Path:
    path = tmp_path / "made" / "here" / "observer.json"
    observer.save(path)
    return path


def rewrite(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")


def test_what_is_saved_comes_back_equal_and_gives_the_same_bytes(
    observer: Observer, file: Path, tmp_path: Path
) -> None:
    assert list(file.parent.iterdir()) == [file]
    assert "somewhere.pt" not in file.read_text(encoding="utf-8"), "the place of the weights is not kept"
    assert Observer.load(file) == observer
    Observer.load(file).save(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == file.read_bytes()


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b"7", b'"text"', b"\x00", b"\xff\xfe\x00\x81", b"[" * 100_000, None]
)
def test_a_file_that_is_no_observer_or_cut_short_is_refused(content: bytes | None, file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-200] if content is None else content)
    with pytest.raises(ObserverError, match=r"schema_version|observer\.json is no Observer"):
        Observer.load(file)


@pytest.mark.parametrize("observer", ["paper", "distinct"], indirect=True)
def test_layers_are_the_best_steps_of_the_search(observer: Observer) -> None:
    steps = observer.trajectory[: len(observer.layers)]
    assert [layer.name for layer in observer.layers] == [step.layer for step in steps]
    assert observer.set_utility == steps[-1].set_utility == max(step.set_utility for step in observer.trajectory)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match=r"'.*none\.json' does not exist"):
        Observer.load(tmp_path / "none.json")


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("observer", ["paper", "distinct"], indirect=True)
def test_an_observer_of_an_older_layout_is_read_and_gives_the_very_same_scores(
    version: int, observer: Observer, file: Path, norms: Tensor, small_backbone: Backbone, tmp_path: Path
) -> None:
    def older(content: dict[str, Any]) -> None:
        content.update(schema_version=version)
        for key in ["cross_validated", "budget"][: 3 - version]:
            content.pop(key)
        for layer in content["layers"]:
            assert layer.pop("weight") == 1

    rewrite(file, older)
    loaded = Observer.load(file)
    assert loaded == dataclasses.replace(observer, cross_validated=None)
    assert loaded.budget == Budget(max_cost=1.0, tolerance=0.0)
    seen = norms[:, [small_backbone.candidate_layers.index(layer.name) for layer in loaded.layers]].double()
    means, stds = torch.tensor([(layer.mean, layer.std) for layer in loaded.layers], dtype=torch.float64).T
    standardised = loaded.aggregation == "mean_standardised_norm"
    assert torch.equal(loaded.scores(seen), ((seen - means) / stds if standardised else seen).mean(dim=1))
    loaded.save(tmp_path / "again.json")
    assert json.loads((tmp_path / "again.json").read_text())["schema_version"] == 3
    assert Observer.load(tmp_path / "again.json") == loaded


@pytest.mark.parametrize("observer", ["distinct"], indirect=True)
def test_a_layer_of_larger_weight_moves_the_score_more(observer: Observer) -> None:
    one, other = (each for each in observer.candidates if each.utility is not None and each.name in ("stem", "head"))
    layers = (
        ObservedLayer(one.name, one.utility, 0.0, 1.0, 1.0),
        ObservedLayer(other.name, other.utility, 0.0, 1.0, 3.0),
    )
    weighted = dataclasses.replace(observer, layers=layers, trajectory=())
    assert weighted.scores(torch.tensor([[4.0, 0.0], [0.0, 4.0]])).tolist() == [1.0, 3.0]


@pytest.mark.parametrize("rho", [0.4, None])
def test_what_images_it_has_not_seen_told_is_kept(rho: float | None, observer: Observer, tmp_path: Path) -> None:
    found = SetUtility(rho, 14, 5, (-0.1, 0.8))
    told = dataclasses.replace(observer, cross_validated=found)
    told.save(tmp_path / "told.json")
    assert Observer.load(tmp_path / "told.json") == told
    assert told.agreement == found
    known = dataclasses.replace(observer, cross_validated=None)
    assert known.agreement == SetUtility(observer.set_utility, 14)


@pytest.mark.parametrize("limit", [0.0, -0.5, 1.5])
def test_an_impossible_budget_is_refused(limit: float, file: Path) -> None:
    rewrite(file, lambda content: content["budget"].update(max_cost=limit))
    with pytest.raises(ObserverError, match=f"no Observer: Expected `max_cost` to be a share of a pass.*got {limit}"):
        Observer.load(file)


@pytest.mark.parametrize("version", [0, 4, "1", None, True])
def test_another_schema_version_is_refused(version: object, file: Path) -> None:
    rewrite(file, lambda content: content.update(schema_version=version))
    with pytest.raises(ObserverError, match=f"Expected schema_version 1, 2 or 3, but got {version!r}"):
        Observer.load(file)


def test_every_field_must_be_there(file: Path) -> None:
    content = file.read_text(encoding="utf-8")
    for field in [field.name for field in dataclasses.fields(Observer)][1:]:
        file.write_text(content, encoding="utf-8")
        rewrite(file, lambda content, field=field: content.pop(field))  # type: ignore[misc]
        with pytest.raises(ObserverError, match=f"misses {field}"):
            Observer.load(file)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.update(extra=1), "unknown extra"),
        (lambda c: c.update(layers={}), "layers is"),
        (lambda c: c.update(layers=["stem"]), r"layers\[0\] is no object"),
        (lambda c: c["layers"][0].update(mean=float("nan")), r"number NaN, which is not finite"),
        (lambda c: c["layers"][0].update(mean="1.0"), r"layers\[0\]\.mean is '1\.0'"),
        (lambda c: c["layers"][0].update(name=3), r"layers\[0\]\.name is 3"),
        (lambda c: c["layers"][0].pop("utility"), r"layers\[0\] misses utility"),
        (lambda c: c["layers"][0].pop("weight"), r"layers\[0\] misses weight"),
        (lambda c: c["layers"][0].update(weight=float("inf")), "number Infinity, which is not finite"),
        (lambda c: c["cross_validated"].pop("interval"), "cross_validated misses interval"),
        (lambda c: c.update(set_utility=True), "set_utility is True"),
        (lambda c: c.update(aggregation="median"), "aggregation"),
        (lambda c: c["backbone"].update(weights=None), r"backbone\.weights is no object"),
        (lambda c: c["backbone"]["preprocessing"].update(size=[112]), r"size has 1 entries instead of 2"),
        (lambda c: c["backbone"]["preprocessing"].update(std=[0.5, 0.5, 0.0]), "three positive stds"),
    ],
)
def test_a_wrong_value_is_named(change: Callable[[dict[str, Any]], Any], message: str, file: Path) -> None:
    rewrite(file, change)
    with pytest.raises(ObserverError, match=message):
        Observer.load(file)


def test_the_same_network_is_accepted_whatever_the_version_and_the_place_of_the_weights(
    observer: Observer, small_backbone: Backbone, identity: BackboneIdentity, file: Path
) -> None:
    moved = BackboneIdentity.of(small_backbone, "small", OPTIONS | {"weights": "else/where.pt"}, "froq-small", "1.2")
    for same in (identity, dataclasses.replace(identity, version="9"), moved):
        observer.require(small_backbone, same)
        Observer.load(file).require(small_backbone, same)


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
    change: Callable[[BackboneIdentity], dict[str, Any]],
    message: str,
    observer: Observer,
    small_backbone: Backbone,
    identity: BackboneIdentity,
) -> None:
    with pytest.raises(ObserverError, match=message):
        observer.require(small_backbone, dataclasses.replace(identity, **change(identity)))


def test_other_candidate_layers_are_refused(
    observer: Observer, small_backbone: Backbone, identity: BackboneIdentity
) -> None:
    fewer = dataclasses.replace(small_backbone, candidate_layers=("stem*", "body*", "pool"))
    with pytest.raises(ObserverError, match=r"candidate layers \['head'\] only there, \[\] only here"):
        observer.require(fewer, identity)


def test_the_calibration_images_get_back_the_scores_of_the_selection(
    observer: Observer, norms: Tensor, small_backbone: Backbone
) -> None:
    selection = select_layers(norms, LABELS, small_backbone.candidate_layers, create_rule(observer.preset))
    columns = [small_backbone.candidate_layers.index(layer.name) for layer in observer.layers]
    torch.testing.assert_close(observer.scores(norms[:, columns]), selection.scores)


def test_quality_rises_with_the_score_and_stays_within_0_and_100(observer: Observer) -> None:
    low, high = observer.quantiles[0], observer.quantiles[-1]
    qualities = observer.quality(torch.linspace(low - 1, high + 1, 500, dtype=torch.float64))
    assert bool((qualities.diff() >= 0).all())
    assert (int(qualities[0]), int(qualities[-1])) == (0, 100)
    assert qualities.dtype == torch.int64


def test_quality_is_the_percentage_of_the_calibration_set_that_scored_lower(observer: Observer) -> None:
    quantiles = tuple(float(value) for value in range(101))
    scale = dataclasses.replace(observer, quantiles=quantiles)
    assert scale.quality(torch.tensor([-5.0, 0.0, 0.5, 25.5, 99.5, 100.5])).tolist() == [0, 0, 0, 25, 99, 100]
