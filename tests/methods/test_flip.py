"""The flip term of the pseudo-quality as a method of its own."""

import pytest
import torch
from torch import Tensor

from froq_lightning.backbones.spec import Backbone
from froq_lightning.methods.flip import FlipQuality
from froq_lightning.methods.perturbation import PerturbationQuality


@pytest.mark.parametrize("network", ["edgeface", "mobilefacenet"])
def test_it_is_the_flip_term_of_the_perturbation_labels(
    network: str, calibration_images: Tensor, request: pytest.FixtureRequest
) -> None:
    backbone: Backbone = request.getfixturevalue(network)
    inputs = backbone.inputs(calibration_images)
    output = backbone.run(inputs)
    term = PerturbationQuality(noise=0, occlusion=1).terms(backbone, inputs, backbone.embed(output))["flip"]
    ours = FlipQuality().score_pass(backbone, inputs, output)
    torch.testing.assert_close(ours, term, rtol=0, atol=2e-6)  # which runs in batches with the occluded images
    assert torch.equal(ours, PerturbationQuality(noise=0, occlusion=0).score_pass(backbone, inputs, output))
    assert torch.equal(FlipQuality().score(backbone, calibration_images), ours)


def test_an_image_that_is_its_own_mirror_image_scores_1(small_backbone: Backbone, small_images: Tensor) -> None:
    half = small_images[..., :16]
    scores = FlipQuality().score(small_backbone, torch.cat([half, half.flip(-1)], dim=-1))
    torch.testing.assert_close(scores, torch.ones(14))
    assert torch.all(FlipQuality().score(small_backbone, small_images) < 0.9999)
