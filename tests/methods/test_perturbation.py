"""Pseudo-quality beside the same sums written as loops over single images."""

import dataclasses
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from froq_lightning.backbones.spec import Backbone, Preprocessing
from froq_lightning.errors import ConfigurationError, DataNotFoundError
from froq_lightning.methods.flip import FlipQuality
from froq_lightning.methods.perturbation import PerturbationQuality
from froq_lightning.methods.quality_method import ForwardPassMethod


def similarity(backbone: Backbone, image: Tensor, perturbed: Tensor) -> float:
    """Cosine similarity of one preprocessed image and its perturbed version, each embedded alone."""
    with torch.no_grad():
        own, altered = (backbone.embed(backbone.network(each[None])) for each in (image, perturbed))
    return float(cosine_similarity(own, altered)[0])


def expect(ours: Tensor, theirs: list[float]) -> None:
    assert ours.tolist() == pytest.approx(theirs, abs=2e-6)


@pytest.mark.parametrize("method", [PerturbationQuality(noise=0, occlusion=0), FlipQuality(micro_batch=5)])
def test_flip_is_the_similarity_to_the_mirrored_image(
    method: ForwardPassMethod, small_backbone: Backbone, small_images: Tensor
) -> None:
    inputs = small_backbone.preprocessing(small_images)
    theirs = [similarity(small_backbone, each, each.flip(-1)) for each in inputs]
    expect(method.score(small_backbone, small_images), theirs)


def test_noise_mixes_every_image_with_the_same_masks(small_backbone: Backbone, small_images: Tensor) -> None:
    masks = torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(5))
    ours = PerturbationQuality(flip=False, noise=3, alpha=0.2, occlusion=0, seed=5).score(small_backbone, small_images)
    theirs = [
        sum(similarity(small_backbone, each, 0.8 * each + 0.2 * mask) for mask in masks) / 3
        for each in small_backbone.preprocessing(small_images)
    ]
    expect(ours, theirs)


@pytest.mark.parametrize("grid", [1, 2, 3, 5])
def test_occlusion_blacks_out_one_tile_at_a_time(grid: int, small_backbone: Backbone, small_images: Tensor) -> None:
    ours = PerturbationQuality(flip=False, noise=0, occlusion=grid).score(small_backbone, small_images[:4])
    edges = [32 * i // grid for i in range(grid + 1)]
    theirs = []
    for image in small_backbone.preprocessing(small_images[:4]):
        similarities = []
        for top, bottom in pairwise(edges):
            for left, right in pairwise(edges):
                covered = image.clone()
                covered[:, top:bottom, left:right] = -1
                similarities.append(similarity(small_backbone, image, covered))
        theirs.append(sum(similarities) / grid**2)
    expect(ours, theirs)


@pytest.mark.parametrize(("size", "grid"), [((32, 32), 5), ((30, 17), 4), ((7, 9), 7), ((112, 96), 8)])
def test_tiles_cover_every_pixel_exactly_once(size: tuple[int, int], grid: int) -> None:
    class Watch(torch.nn.Module):
        """Embeds an image as the map of its black pixels."""

        def forward(self, inputs: Tensor) -> Tensor:
            maps.append((inputs[:, 0] == -1).flatten(1))
            return inputs.flatten(1)

    maps: list[Tensor] = []
    network = Backbone.with_weights(torch.nn.Sequential(Watch()), Preprocessing(size=size), None)
    white = torch.full((1, 3, *size), 255, dtype=torch.uint8)
    PerturbationQuality(flip=False, noise=0, occlusion=grid).score(network, white)
    black = torch.cat(maps[1:])
    assert len(black) == grid**2
    assert torch.equal(black.sum(dim=0), torch.ones(size[0] * size[1], dtype=torch.int64))
    rows, columns = (-(-length // grid) for length in size)
    assert int(black.sum(dim=1).max()) <= rows * columns


def test_tiles_are_black_in_the_networks_own_order_of_channels(small_backbone: Backbone, small_images: Tensor) -> None:
    preprocessing = Preprocessing((32, 32), "BGR", mean=(0.5, 0.4, 0.3), std=(0.2, 0.25, 0.3))
    backbone = dataclasses.replace(small_backbone, preprocessing=preprocessing)
    ours = PerturbationQuality(flip=False, noise=0, occlusion=1).score(backbone, small_images)
    black = preprocessing(torch.zeros_like(small_images[:1]))[0]
    expect(ours, [similarity(backbone, each, black) for each in backbone.preprocessing(small_images)])


def test_the_score_is_the_mean_over_the_kinds_that_are_on(small_backbone: Backbone, small_images: Tensor) -> None:
    every = PerturbationQuality(noise=2, alpha=0.3, occlusion=2)
    kinds = [
        dataclasses.replace(every, noise=0, occlusion=0),
        dataclasses.replace(every, flip=False, occlusion=0),
        dataclasses.replace(every, flip=False, noise=0),
    ]
    means = torch.stack([kind.score(small_backbone, small_images) for kind in kinds]).mean(dim=0)
    torch.testing.assert_close(every.score(small_backbone, small_images), means)


def test_terms_are_named_and_only_those_that_are_on(small_backbone: Backbone, small_images: Tensor) -> None:
    inputs = small_backbone.preprocessing(small_images)
    embeddings = small_backbone.network(inputs)
    terms = PerturbationQuality(noise=0, occlusion=2).terms(small_backbone, inputs, embeddings)
    assert list(terms) == ["flip", "occlusion"]
    assert all(term.shape == (14,) and term.dtype == torch.float32 for term in terms.values())


def test_masks_from_a_file_are_taken(small_backbone: Backbone, small_images: Tensor, tmp_path: Path) -> None:
    masks = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(11))
    np.save(tmp_path / "masks.npy", masks.numpy())
    method = PerturbationQuality(flip=False, noise=2, alpha=0.4, occlusion=0)
    from_file = dataclasses.replace(method, noise_masks=str(tmp_path / "masks.npy"))
    drawn = dataclasses.replace(method, seed=11)
    assert torch.equal(from_file.score(small_backbone, small_images), drawn.score(small_backbone, small_images))


def npy(masks: np.ndarray) -> bytes:
    file = BytesIO()
    np.save(file, masks)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (npy(np.zeros((2, 3, 16, 16))), r"Expected masks \[2, 3, 32, 32\], but got \[2, 3, 16, 16\]"),
        (b"", r"damaged\.npy"),
        (b"no array at all", r"damaged\.npy"),
        (b"\x93NUMPY\x01\x00", r"damaged\.npy"),
        (None, r"noise masks '.*damaged\.npy' do not exist"),
    ],
    ids=["shape", "empty", "text", "cut", "missing"],
)
def test_masks_that_cannot_be_used_are_refused(
    content: bytes | None, message: str, small_backbone: Backbone, small_images: Tensor, tmp_path: Path
) -> None:
    path = tmp_path / "damaged.npy"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises((ConfigurationError, DataNotFoundError), match=message):
        PerturbationQuality(noise=2, noise_masks=str(path)).score(small_backbone, small_images)
