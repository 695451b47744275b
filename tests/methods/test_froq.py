"""The score of one forward pass is the aggregate that calibration chose."""

import json

import pytest
import torch
from torch import Tensor

from froq_lightning.backbones.spec import Backbone
from froq_lightning.calibration.observer import Observer
from froq_lightning.methods.froq import FroqQuality


def test_calibration_images_score_between_the_outer_quantiles(
    observer: Observer, small_backbone: Backbone, small_images: Tensor
) -> None:
    scores = FroqQuality(observer).score(small_backbone, small_images)
    assert scores.dtype == torch.float64
    assert float(scores.min()) == pytest.approx(observer.quantiles[0], rel=1e-5)
    assert float(scores.max()) == pytest.approx(observer.quantiles[-1], rel=1e-5)


def test_parameters_tell_the_observer_from_others(observer: Observer) -> None:
    parameters = FroqQuality(observer).parameters()
    assert json.loads(json.dumps(parameters)) == parameters
    assert list(parameters) == ["preset", "aggregation", "layers", "weights", "set_utility", "set_utility_cv"]
    assert parameters["preset"] == observer.preset
    assert parameters["aggregation"] == observer.aggregation
    assert parameters["layers"] == [layer.name for layer in observer.layers]
    assert parameters["weights"] == [layer.weight for layer in observer.layers]
    assert parameters["set_utility"] == observer.set_utility
    assert observer.cross_validated is not None
    assert parameters["set_utility_cv"] == observer.cross_validated.rho


def test_a_compiled_network_gives_the_same_scores_and_embeddings(
    observer: Observer, small_backbone: Backbone, small_images: Tensor
) -> None:
    torch.compiler.reset()
    plain, compiled = FroqQuality(observer), FroqQuality(observer, compile=True)
    expected, embeddings = plain.score_and_embed(small_backbone, small_images)
    torch.testing.assert_close(compiled.score(small_backbone, small_images), expected, rtol=1e-4, atol=1e-5)
    both = compiled.score_and_embed(small_backbone, small_images)
    torch.testing.assert_close(both, (expected, embeddings), rtol=1e-4, atol=1e-5)


def test_embeddings_need_whole_passes_and_scores_alone_do_not(
    observer: Observer, small_backbone: Backbone, small_images: Tensor
) -> None:
    passes: list[str] = []
    handle = small_backbone.network.register_forward_hook(lambda *_: passes.append("whole"))
    method = FroqQuality(observer)
    for score in (method.score, method.score_and_embed):
        score(small_backbone, small_images)  # the first call looks at the layers, and where a pass may end
    passes.clear()
    for _ in range(3):
        method.score(small_backbone, small_images)
    assert not passes
    for _ in range(2):
        method.score_and_embed(small_backbone, small_images)
    assert passes == ["whole"] * 2
    handle.remove()
