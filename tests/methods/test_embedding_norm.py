import dataclasses
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from froq_lightning.backbones.spec import Backbone
from froq_lightning.errors import BackboneError
from froq_lightning.methods.embedding_norm import EmbeddingNorm


def test_it_is_the_length_of_the_embedding(small_backbone: Backbone, small_images: Tensor) -> None:
    with torch.no_grad():
        embeddings = small_backbone.network(small_backbone.preprocessing(small_images))
    expected = [sum(value**2 for value in row) ** 0.5 for row in embeddings.tolist()]
    assert EmbeddingNorm().score(small_backbone, small_images).tolist() == pytest.approx(expected, rel=1e-5)


def test_embeddings_in_half_precision_do_not_overflow(small_backbone: Backbone) -> None:
    output = torch.full((2, 12), 60_000, dtype=torch.float16)
    norms = EmbeddingNorm().score_pass(small_backbone, torch.empty(2, 3, 32, 32), output)
    assert norms.tolist() == pytest.approx([60_000 * 12**0.5] * 2, rel=1e-3)


def test_one_embedding_of_another_length_is_enough(small_backbone: Backbone, small_images: Tensor) -> None:
    scales = torch.ones(14, 1).index_fill(0, torch.tensor([3]), 1.001)
    almost = dataclasses.replace(small_backbone, embed=lambda output: normalize(output) * scales)
    assert EmbeddingNorm().score(almost, small_images).tolist() == pytest.approx(scales.flatten().tolist(), rel=1e-5)


@pytest.mark.parametrize(
    ("quality", "advice"),
    [(None, "choose another method"), (Tensor.mean, "choose network_quality, which this network declares,")],
)
def test_normalised_embeddings_are_refused(
    quality: Any, advice: str, small_backbone: Backbone, small_images: Tensor
) -> None:
    unit = dataclasses.replace(small_backbone, embed=normalize, quality=quality)
    with pytest.raises(BackboneError, match=f"SmallNet normalises its embeddings.* {advice} instead"):
        EmbeddingNorm().score(unit, small_images)
