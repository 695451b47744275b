"""A scorer explains its scores: maps at the size of the crops, for whatever images it takes."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from froq_lightning import QualityScorer
from froq_lightning.methods.explanation import at_crop_size, quality_map
from froq_lightning.methods.froq import FroqQuality


@pytest.fixture(scope="module")
def chip() -> Tensor:
    """A made-up crop of the size of dlib's chips."""
    coarse = torch.rand(1, 3, 6, 6, generator=torch.Generator().manual_seed(1))
    return torch.nn.functional.interpolate(coarse, 150, mode="bilinear")[0].mul(255).to(torch.uint8)


def test_a_map_of_every_image_in_their_order_and_nan_for_those_that_failed(
    crop_scorer: QualityScorer, chip: Tensor, tmp_path: Path
) -> None:
    maps = crop_scorer.explain([tmp_path / "missing.jpg", chip.permute(1, 2, 0).numpy(), chip[:, :20]])
    assert maps.shape == (3, 150, 150)
    assert maps.isnan().flatten(1).all(dim=1).tolist() == [True, False, True]
    cells = quality_map(FroqQuality(crop_scorer.observer), crop_scorer.backbone, chip[None], crop_scorer.batch_size)
    torch.testing.assert_close(maps[1:2], at_crop_size(cells, (150, 150)))
    assert float(maps[1].abs().max()) > 0


def test_a_photograph_is_explained_on_its_crop(scorer: QualityScorer, photographs: list[Path]) -> None:
    maps = scorer.explain(photographs[0])
    assert maps.shape == (1, 150, 150)
    assert maps.isfinite().all()


def test_no_image_has_no_map(crop_scorer: QualityScorer) -> None:
    assert crop_scorer.explain([]).shape == (0, 150, 150)
