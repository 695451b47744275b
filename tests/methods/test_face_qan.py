"""FaceQAN beside the published steps, one image and one copy at a time."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import CosineEmbeddingLoss
from torch.nn.functional import cosine_similarity

from froq_lightning.backbones.spec import Backbone
from froq_lightning.methods.face_qan import FaceQan

METHOD = FaceQan(samples=3, steps=4, epsilon=0.01, seed=6)


def embed(backbone: Backbone, image: Tensor) -> Tensor:
    return backbone.embed(backbone.network(backbone.preprocessing.normalise(image[None])))


def one_by_one(method: FaceQan, backbone: Backbone, image: Tensor) -> float:
    """Score a `[3, H, W]` image in 0..1 by the published steps."""
    generator = torch.Generator().manual_seed(method.seed)
    draws = torch.rand(method.samples, *image.shape, generator=generator)
    base = embed(backbone, image)
    similarities = []
    for draw in draws:
        copy = torch.clamp(image + (2 * draw - 1) * method.epsilon, -1, 1)
        for _ in range(method.steps):
            copy = copy.detach().requires_grad_()
            moved = embed(backbone, copy)
            CosineEmbeddingLoss()(base, moved, torch.ones(1)).backward()
            assert copy.grad is not None
            similarities.append(float(cosine_similarity(base, moved).detach()))
            copy = torch.clamp(copy + method.epsilon * copy.grad.sign(), -1, 1)
    symmetry = float(cosine_similarity(base, embed(backbone, image.flip(-1))))
    score = (1 + np.mean(similarities)) / 2 * np.clip(1 - np.std(similarities), 0, 1) * symmetry
    return float(score**method.exponent)


@pytest.mark.parametrize("micro_batch", [1, 4, 100])
def test_it_is_what_single_copies_give(micro_batch: int, staged_backbone: Backbone, small_images: Tensor) -> None:
    images = small_images[::3]
    ours = dataclasses.replace(METHOD, micro_batch=micro_batch).score(staged_backbone, images)
    theirs = [one_by_one(METHOD, staged_backbone, image) for image in images / 255]
    assert ours.tolist() == pytest.approx(theirs, rel=1e-5)


def test_white_is_the_end_of_the_scale(staged_backbone: Backbone) -> None:
    white = torch.ones(1, 3, 32, 32)
    brightest: list[float] = []
    normal = staged_backbone.preprocessing(white).amax()
    staged_backbone.network.register_forward_pre_hook(lambda _, args: brightest.append(args[0].max().item()))
    METHOD.score(staged_backbone, white)
    assert max(brightest) == pytest.approx(float(normal))


@pytest.mark.parametrize("exponent", [1, 2, 5])
def test_an_image_unlike_its_mirror_image_scores_below_0_whatever_the_exponent(
    exponent: int, staged_backbone: Backbone
) -> None:
    def sides(output: Tensor) -> Tensor:
        return inputs.pop()[:, :, :, :16].mean(dim=(1, 2, 3), keepdim=True).flatten(1) + 0 * output

    inputs: list[Tensor] = []
    staged_backbone.network.register_forward_pre_hook(lambda _, args: inputs.append(args[0]))
    half = torch.zeros(2, 3, 32, 32)
    half[..., :16] = 1
    backbone = dataclasses.replace(staged_backbone, embed=sides)
    scores = dataclasses.replace(METHOD, exponent=exponent).score(backbone, half)
    assert torch.all(scores < -0.5)
