"""Images outside of the contract are refused by every method; those that give NaN are failed ones with a reason."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from froq_lightning import QualityScorer
from froq_lightning.backbones.spec import Backbone, Preprocessing, WeightsInfo
from froq_lightning.errors import CalibrationError, ImageError
from froq_lightning.evaluation.outcome import Evaluation
from froq_lightning.methods.froq import FroqQuality
from froq_lightning.methods.registry import create_method
from froq_lightning.runs.calibration_run import Calibration
from froq_lightning.runs.quality_batch import NOT_FINITE

Calibrate = Callable[..., Calibration]


class WhiteIsNaN(nn.Module):
    """Divides zero by zero where an image is white throughout."""

    def forward(self, inputs: Tensor) -> Tensor:
        darkness = (1 - inputs).amax(dim=(1, 2, 3), keepdim=True)
        return inputs / darkness * darkness


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda x: x, r"in 0\.\.1, but got 1 to 240; give grey levels 0\.\.255 as uint8"),
        (lambda x: x / 127.5 - 1, r"in 0\.\.1, but got -0\.99\d+ to 0\.88"),
        (lambda x: (x / 255).index_fill(0, torch.tensor([3]), torch.nan), "NaN or infinite ones in image 3"),
        (lambda x: (x / 255).index_fill(3, torch.tensor([0]), torch.inf), "NaN or infinite ones in image 0"),
        (lambda x: x.long(), r"Expected uint8 images, or floating point in 0\.\.1, but got int64"),
        (lambda x: x > 9, "but got bool"),
        (lambda x: (x / 255).to(torch.float8_e4m3fn), "but got float8_e4m3fn"),
        (lambda x: (x / 255).to_sparse(), "but got sparse_coo"),
        (lambda x: x.to(torch.uint8)[0], r"Expected images of shape \[B, 3, 32, 32\], but got \[3, 32, 32\]"),
        (lambda x: x.to(torch.uint8).permute(0, 2, 3, 1), r"but got \[14, 32, 32, 3\]"),
        (lambda x: x.to(torch.uint8).numpy(), "Expected images as a tensor, but got ndarray"),
    ],
    ids=["0..255", "-1..1", "NaN", "inf", "int64", "bool", "float8", "sparse", "one image", "channels last", "array"],
)
def test_values_outside_of_the_contract_are_refused_by_every_method(
    spoil: Callable[[Tensor], Any], message: str, small_backbone: Backbone, small_images: Tensor, calibrated: Calibrate
) -> None:
    froq = FroqQuality(calibrated(small_backbone, small_images).observer)
    images = spoil(small_images.float())
    with pytest.raises(ImageError, match=message):
        froq.score(small_backbone, images)
    for options in ({"method": "perturbation"}, {"method": "face_qan"}, {"method": "random"}):
        with pytest.raises(ImageError, match=message):
            create_method(options).score(small_backbone, images)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_floats_in_0_to_1_score_as_bytes_do(
    dtype: torch.dtype, small_backbone: Backbone, small_images: Tensor, calibrated: Calibrate
) -> None:
    scorer = QualityScorer(small_backbone, calibrated(small_backbone, small_images).observer)
    expected = scorer(small_images).quality_score
    torch.testing.assert_close(scorer(small_images.to(dtype) / 255).quality_score, expected, rtol=1e-5, atol=1e-6)
    assert torch.equal(
        scorer((small_images / 255).requires_grad_()).quality_score, scorer(small_images / 255).quality_score
    )
    assert scorer(small_images[:0]).quality.tolist() == []


@pytest.mark.parametrize("first", [nn.Parameter(torch.arange(4), requires_grad=False), None], ids=["integer", "none"])
def test_the_type_of_the_input_is_that_of_the_weights(
    first: nn.Parameter | None, small_backbone: Backbone, small_images: Tensor, calibrated: Calibrate
) -> None:
    """An index table that stands first among the parameters says nothing of the input, nor does a lack of any."""
    if first is None:
        network: nn.Module = nn.Sequential(nn.AdaptiveAvgPool2d(4), nn.ReLU(), nn.Flatten())
        backbone = Backbone(network, Preprocessing(size=(32, 32)), WeightsInfo("none", "0"))
    else:
        backbone = small_backbone
        backbone.network.register_parameter("table", first)
    scorer = QualityScorer(backbone, calibrated(backbone, small_images).observer)
    assert scorer(small_images).quality_score.isfinite().all()


def test_images_that_the_network_gives_nan_for_fail_with_a_reason(
    small_backbone: Backbone, small_images: Tensor, calibrated: Calibrate, evaluated: Callable[..., Evaluation]
) -> None:
    backbone = replace(
        small_backbone, network=nn.Sequential(WhiteIsNaN(), small_backbone.network), candidate_layers=("1.*",)
    )
    images = small_images.clone()
    images[[2, 9]] = 255
    found = calibrated(backbone, images, size=3)
    assert {index: sample.note for index, sample in found.left_out.items()} == {2: NOT_FINITE, 9: NOT_FINITE}
    assert found.table.missing == (2, 9)
    assert found.observer.calibration_set.left_out == 2
    assert all(layer.reason == "" for layer in found.observer.candidates if layer.name.startswith("1.body"))
    scores = QualityScorer(backbone, found.observer)(images)
    assert (scores.quality == -1).nonzero()[:, 0].tolist() == [2, 9]
    evaluation = evaluated(backbone, images)
    assert evaluation.sets[0].left_out == {"2.png": NOT_FINITE, "9.png": NOT_FINITE}
    with pytest.raises(CalibrationError, match=r"but got 0 \(14 left out; 0\.png: the network gives NaN"):
        calibrated(backbone, torch.full_like(images, 255))
