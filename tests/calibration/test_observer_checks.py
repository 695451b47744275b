"""An Observer file that is damaged, incomplete or contradicts itself is refused, and what is wrong is named."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from froq_lightning.calibration.observer import Observer
from froq_lightning.errors import ObserverError

Content = dict[str, Any]
pytestmark = pytest.mark.parametrize("observer", ["paper"], indirect=True)


@pytest.fixture
def content(observer: Observer) -> Content:
    """What the file of an Observer holds."""
    return json.loads(json.dumps(dataclasses.asdict(observer)))


def load(content: Content) -> Observer:
    Path("changed.json").write_text(json.dumps(content), encoding="utf-8")
    return Observer.load("changed.json")


def first(content: Content, part: str, **changes: Any) -> None:
    content[part][0].update(changes)


def utility(**changes: Any) -> Content:
    return {"rho": 0.5, "images": 14, "groups": 7, "interval": [0.2, 0.7]} | changes


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b"7", b'"text"', b"\x00", b"\xff\xfe\x00\x81", b"[" * 100_000, None]
)
def test_a_file_that_is_no_observer_or_cut_short_is_refused(content: bytes | None, observer: Observer) -> None:
    observer.save("observer.json")
    path = Path("observer.json")
    path.write_bytes(path.read_bytes()[:-200] if content is None else content)
    with pytest.raises(ObserverError, match=r"schema_version|observer\.json is no Observer"):
        Observer.load(path)


def test_every_field_must_be_there(content: Content) -> None:
    for field in set(content) - {"schema_version", "precision"}:  # older files name no precision
        with pytest.raises(ObserverError, match=f"misses {field}"):
            load({name: value for name, value in content.items() if name != field})


@pytest.mark.parametrize("version", [0, 4, "1", None, True])
def test_another_schema_version_is_refused(version: object, content: Content) -> None:
    with pytest.raises(ObserverError, match=f"Expected schema_version 1, 2 or 3, but got {version!r}"):
        load(content | {"schema_version": version})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.update(extra=1), "unknown extra"),
        (lambda c: c.update(layers={}), "layers is"),
        (lambda c: c.update(layers=["stem"]), r"layers\[0\] is no object"),
        (lambda c: first(c, "layers", mean=float("nan")), "number NaN, which is not finite"),
        (lambda c: first(c, "layers", weight=float("inf")), "number Infinity, which is not finite"),
        (lambda c: first(c, "layers", mean="1.0"), r"layers\[0\]\.mean is '1\.0'"),
        (lambda c: first(c, "layers", name=3), r"layers\[0\]\.name is 3"),
        (lambda c: c["layers"][0].pop("weight"), r"layers\[0\] misses weight"),
        (lambda c: c["cross_validated"].pop("interval"), "cross_validated misses interval"),
        (lambda c: c.update(set_utility=True), "set_utility is True"),
        (lambda c: c.update(aggregation="median"), "aggregation is 'median'"),
        (lambda c: c["budget"].update(max_cost=1.5), "Expected `max_cost` to be a share of a pass.*got 1.5"),
        (lambda c: c["backbone"].update(weights=None), r"backbone\.weights is no object"),
        (lambda c: c["backbone"]["preprocessing"].update(size=[112]), "size has 1 entries instead of 2"),
        (lambda c: c["backbone"]["preprocessing"].update(std=[0.5, 0.5, 0.0]), "three positive stds"),
        (lambda c: c["quantiles"].pop(), "101 ascending quantiles, but got 100"),
        (lambda c: c["quantiles"].reverse(), "101 ascending quantiles"),
        (lambda c: first(c, "layers", std=0.0), "positive std"),
        (lambda c: first(c, "layers", mean=-1.0), "mean of 0 or more"),
        (lambda c: first(c, "layers", weight=0.0), "Expected layers with a weight that is finite and not 0"),
        (lambda c: first(c, "layers", weight=2.0), "Expected weights of 1, since `aggregation` 'mean_norm'"),
        (lambda c: first(c, "layers", utility=0.5), "Expected layers with the utilities of their candidates"),
        (lambda c: c.update(layers=[]), "at least one layer"),
        (lambda c: c["backbone"]["options"].update(weights="https://x.org/w.pt"), "no `weights` among the options"),
        (lambda c: c.update(trajectory=[], layers=c["layers"][:1] * 2), "every layer once"),
        (lambda c: (c.update(trajectory=[]), first(c, "layers", name="else")), "among the candidates, but got 'else'"),
        (lambda c: c["trajectory"].pop(0), "the first of the trajectory"),
        (lambda c: c["calibration_set"].update(images=3), "10 calibration images or more, but got 3"),
        (lambda c: c["candidates"].append(c["candidates"][0]), "every layer once, but got 'stem' twice"),
        (lambda c: first(c, "candidates", utility=1.5), r"utilities in -1\.\.1, but got 1\.5|utilities of their"),
        (lambda c: first(c, "trajectory", layer="else"), "among the candidates, but got 'else'"),
        (lambda c: first(c, "trajectory", set_utility=7.0), r"utilities in -1\.\.1, but got 7"),
        (lambda c: c.update(set_utility=1.5), r"utilities in -1\.\.1, but got 1\.5"),
        (lambda c: c.update(cross_validated=utility(rho=1.2)), r"utilities in -1\.\.1, but got 1\.2"),
        (lambda c: c.update(cross_validated=utility(interval=[0.8, 0.2])), "ascending interval"),
    ],
)
def test_a_wrong_value_is_named(change: Callable[[Content], Any], message: str, content: Content) -> None:
    change(content)
    with pytest.raises(ObserverError, match=rf"changed\.json is no Observer: .*({message})"):
        load(content)


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.update(trajectory=[], layers=c["layers"][::-1], set_utility=0.1),
        lambda c: c.update(cross_validated=utility()),
        lambda c: c.update(cross_validated=utility(rho=None, groups=None, interval=[-1.0, 1.0])),
        lambda c: c.update(preset="that of another distribution"),
    ],
    ids=["no search", "groups", "not defined", "preset"],
)
def test_what_a_calibration_can_find_is_read(change: Callable[[Content], Any], content: Content) -> None:
    change(content)
    assert json.loads(json.dumps(dataclasses.asdict(load(content)))) == content
