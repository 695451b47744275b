import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from froq_lightning.backbones.spec import Backbone, Preprocessing
from froq_lightning.methods.random_quality import RandomQuality


def test_scores_are_spread_evenly_over_0_to_1(small_backbone: Backbone) -> None:
    images = torch.arange(4096).view(-1, 1, 1, 1).expand(-1, 3, 32, 32) // torch.tensor([1, 16, 256]).view(3, 1, 1) % 16
    scores = RandomQuality().score(small_backbone, images.byte())
    shares = torch.histc(scores, bins=8, min=0, max=1) / 4096
    assert shares.tolist() == pytest.approx([1 / 8] * 8, abs=0.02)
    assert 0 <= float(scores.min()) < float(scores.max()) < 1


@given(first=st.integers(), second=st.integers())
def test_the_seed_decides_the_scores(first: int, second: int) -> None:
    image = torch.full((1, 3, 2, 2), 7, dtype=torch.uint8)
    backbone = Backbone.with_weights(torch.nn.Sequential(torch.nn.Flatten()), Preprocessing((2, 2)), None)
    one, other = (float(RandomQuality(seed).score(backbone, image)) for seed in (first, second))
    assert (one == other) == (first == second)


def test_one_grey_level_changes_the_score_and_less_or_the_layout_in_memory_does_not(
    small_backbone: Backbone, small_images: Tensor
) -> None:
    scores = RandomQuality().score(small_backbone, small_images)
    assert torch.equal(
        RandomQuality().score(small_backbone, small_images.contiguous(memory_format=torch.channels_last)), scores
    )
    shaken = (small_images + 0.8 * torch.rand(small_images.shape) - 0.4) / 255
    assert torch.equal(RandomQuality().score(small_backbone, shaken), scores)
    changed = small_images.clone()
    changed[:, 0, 0, 0] ^= 1
    assert not torch.isin(RandomQuality().score(small_backbone, changed), scores).any()
