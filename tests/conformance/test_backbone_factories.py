"""A factory that takes weights as it should passes; what others do with them is named."""

from collections import OrderedDict
from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import nn

from froq_lightning.backbones.spec import Backbone, Preprocessing, WeightsInfo
from froq_lightning.conformance import backbone_factory_checks, check_backbone_factory
from froq_lightning.errors import BackboneError, WeightsError


def network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(144, 6))


def good(weights: str | None = None) -> Backbone:
    return Backbone.with_weights(network(), Preprocessing((8, 8)), weights)


def ignoring(weights: str | None = None) -> Backbone:
    """Takes no notice of the weights."""
    del weights
    return good()


def lax(weights: str | None = None, *, weights_only: bool = True) -> Backbone:
    """Loads what fits, and nothing else of a file."""
    built = network()
    if weights:
        try:
            state = torch.load(weights, weights_only=weights_only)
        except Exception as error:
            raise WeightsError(str(error)) from error
        built.load_state_dict(OrderedDict({k: v for k, v in state.items() if k in built.state_dict()}), strict=False)
    return Backbone(built, Preprocessing((8, 8)), WeightsInfo("weights.pth", "0"))


def eager(weights: str | None = None) -> Backbone:
    """Makes its values where it likes."""
    backbone = good(weights)
    backbone.network.register_buffer("scale", torch.ones(3, device="cpu"))
    return backbone


@pytest.mark.parametrize("check", backbone_factory_checks(), ids=lambda check: check.__name__)
def test_a_good_factory_passes_every_check(check: Callable[..., None]) -> None:
    check(good)
    check(good, lambda state: {"state_dict": {f"model.{key}": value for key, value in state.items()}})


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        (eager, "Expected all parameters and buffers to be on the meta device"),
        (ignoring, "the same embeddings when loaded, but they differ"),
        (lax, "Expected the weights to be told as weights.pth, .*, but got weights.pth, 0"),
    ],
)
def test_what_is_wrong_is_named(factory: Callable[..., Backbone], message: str) -> None:
    with pytest.raises(BackboneError, match=message):
        check_backbone_factory(factory)


@pytest.mark.parametrize(
    ("check", "factory"),
    [
        ("check_incomplete_weights", lax),
        ("check_damaged_weights", ignoring),
        ("check_weights_with_code", partial(lax, weights_only=False)),
    ],
)
def test_weights_that_are_taken_although_they_do_not_fit_are_refused(
    check: str, factory: Callable[..., Backbone]
) -> None:
    (run,) = (each for each in backbone_factory_checks() if getattr(each, "__name__", "") == check)
    with pytest.raises(BackboneError, match=r"to be refused with a WeightsError, but it loaded|the code in a file"):
        run(factory)
