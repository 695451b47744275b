"""A map shows which parts of a face pull its score down; on real occluded faces, that is the occluder."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis.strategies import integers
from PIL import Image
from torch import Tensor, nn

from froq_lightning.backbones.spec import Backbone, Preprocessing, WeightsInfo
from froq_lightning.calibration.backbone_identity import BackboneIdentity
from froq_lightning.calibration.observer import CalibrationSet, Observer
from froq_lightning.calibration.rules.registry import create_rule
from froq_lightning.calibration.selection import select_layers
from froq_lightning.errors import ImageError
from froq_lightning.methods.explanation import GRID, at_crop_size, quality_map
from froq_lightning.methods.froq import FroqQuality
from froq_lightning.methods.quality_method import QualityMethod
from froq_lightning.observation.norms import Observation

# Every so many of the occluded images are explained.
EVERY = 10
Occluded = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Darkness(QualityMethod):
    """The darker, the better."""

    def score(self, backbone: Backbone, images: Tensor) -> Tensor:
        del backbone
        return -images.double().mean(dim=(1, 2, 3))


def is_near(cell: tuple[int, int], down: int, across: int) -> bool:
    """Whether a cell is another one or its neighbour; a weight may move the largest value by one towards the middle."""
    return abs(cell[0] - down) <= 1 and abs(cell[1] - across) <= 1


def pixels(path: Path) -> Tensor:
    return torch.from_numpy(np.array(Image.open(path))).permute(2, 0, 1)


@pytest.fixture(scope="module")
def occluded(shared: Path) -> Occluded:
    """Faces with a black square, [B, 3, 112, 112] uint8, and where it lies, [B, 112, 112] bool."""
    data = shared / "data"
    with (data / "degradations.csv").open(encoding="utf-8", newline="") as file:
        names = [row["image"] for row in csv.DictReader(file) if row["kind"] == "occlusion"][::EVERY]
    clean, covered = (
        torch.stack([pixels(data / folder / name) for name in names]) for folder in ("faces", "faces_degraded")
    )
    changed = (clean.int() - covered.int()).abs().amax(1) > 24
    across, down = (changed.float().mean(dim) > 0.02 for dim in (1, 2))
    return covered, down[:, :, None] & across[:, None]


@pytest.fixture(scope="module")
def method(edgeface: Backbone, edgeface_observation: Observation, golden: dict[str, dict[str, Any]]) -> FroqQuality:
    """Scores by EdgeFace-XXS, calibrated on the 40 crops of the reference numbers."""
    labels = torch.tensor([label["pseudo_quality"] for label in golden["edgeface_xxs"]["labels"].values()])
    selection = select_layers(edgeface_observation.norms, labels, edgeface.candidate_layers, create_rule("ridge"))
    identity = BackboneIdentity.of(edgeface, "timm", {}, "froq-lightning", "1")
    return FroqQuality(Observer.from_selection(selection, identity, "ridge", CalibrationSet(40, 0, {})))


@pytest.mark.slow
def test_an_occluder_is_found(occluded: Occluded, method: FroqQuality, edgeface: Backbone) -> None:
    images, occluders = occluded
    maps = at_crop_size(quality_map(method, edgeface, images), (112, 112))
    highest = maps.flatten(1).argmax(dim=1, keepdim=True)
    is_hit = occluders.flatten(1).gather(1, highest).double().mean()
    assert len(images) >= 20
    assert is_hit >= 0.8
    assert is_hit > occluders[:, 56, 56].double().mean() + 0.1  # the middle, where faces are


def test_a_map_does_not_depend_on_the_batch(method: FroqQuality, edgeface: Backbone, occluded: Occluded) -> None:
    images = occluded[0][:2]
    together = quality_map(method, edgeface, images, batch_size=64)
    alone = torch.cat([quality_map(method, edgeface, image[None], batch_size=7) for image in images])
    assert together.shape == (2, GRID, GRID)
    assert together.dtype == torch.float64
    torch.testing.assert_close(together, alone, rtol=1e-3, atol=1e-4)


def test_where_nothing_is_replaced_the_map_is_zero(small_backbone: Backbone, observer: Observer) -> None:
    plain = torch.tensor([0.2, 0.6, 0.9])[:, None, None].expand(1, 3, 32, 32)
    assert quality_map(FroqQuality(observer), small_backbone, plain).abs().max() < 1e-4


@settings(max_examples=20, deadline=None)
@given(down=integers(0, GRID - 3), across=integers(0, GRID - 3), seed=integers(0, 9))
def test_the_only_bright_place_pulls_down_what_should_be_dark(down: int, across: int, seed: int) -> None:
    backbone = Backbone(nn.Sequential(nn.Identity()), Preprocessing((42, 56)), WeightsInfo("none", "0", "none"))
    image = torch.rand(1, 3, 42, 56, generator=torch.Generator().manual_seed(seed)) * 0.2
    image[:, :, 3 * down : 3 * down + 9, 4 * across : 4 * across + 12] = 1
    cells = quality_map(Darkness(), backbone, image)
    assert is_near(divmod(int(cells[0].argmax()), GRID), down + 1, across + 1)
    assert cells.max() > 0 > cells.min()
    levels = quality_map(Darkness(), backbone, (255 * image).round().to(torch.uint8))
    torch.testing.assert_close(levels, cells, atol=1e-3, rtol=0)
    torch.testing.assert_close(quality_map(Darkness(), backbone, image.flip(-1)), cells.flip(-1))
    place = divmod(int(at_crop_size(cells, (42, 56)).argmax()), 56)
    assert is_near((place[0] // 3, place[1] // 4), down + 1, across + 1)


def test_an_image_without_a_score_has_no_map(small_backbone: Backbone, small_images: Tensor) -> None:
    @dataclass(frozen=True)
    class Unknown(QualityMethod):
        """Has no score for any image."""

        def score(self, backbone: Backbone, images: Tensor) -> Tensor:
            del backbone
            return torch.full((len(images),), torch.nan)

    assert quality_map(Unknown(), small_backbone, small_images[:1]).isnan().all()
    assert quality_map(Unknown(), small_backbone, small_images[:0]).shape == (0, GRID, GRID)


def test_what_is_no_batch_of_crops_is_refused(small_backbone: Backbone, small_images: Tensor) -> None:
    with pytest.raises(ImageError, match="Expected images of shape"):
        quality_map(Darkness(), small_backbone, small_images[:, :, 1:])
