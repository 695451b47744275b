"""The quality that a network gives itself."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from froq_lightning.backbones.spec import Backbone
from froq_lightning.conformance import check_backbone
from froq_lightning.errors import BackboneError
from froq_lightning.methods.network_quality import NetworkQuality


def test_it_is_the_declared_function_of_the_output(small_backbone: Backbone, small_images: Tensor) -> None:
    backbone = dataclasses.replace(small_backbone, quality=lambda output: output.norm(dim=1))
    scores = NetworkQuality().score(backbone, small_images)
    with torch.no_grad():
        embeddings = backbone.network(backbone.preprocessing(small_images))
    torch.testing.assert_close(scores, embeddings.norm(dim=1))
    assert not scores.requires_grad
    check_backbone(backbone)


@pytest.mark.parametrize(
    ("quality", "message"),
    [
        (lambda output: output, r"but got \[\d+, 12\]"),
        (lambda output: output.mean(), r"but got \[\]"),
        (lambda output: float(output.mean()), "but got float"),
    ],
)
def test_one_that_is_no_number_per_image_is_refused(
    quality: Callable[[Any], Any], message: str, small_backbone: Backbone, small_images: Tensor
) -> None:
    backbone = dataclasses.replace(small_backbone, quality=quality)
    with pytest.raises(BackboneError, match=message):
        NetworkQuality().score(backbone, small_images)
    with pytest.raises(BackboneError, match=message):
        check_backbone(backbone)
