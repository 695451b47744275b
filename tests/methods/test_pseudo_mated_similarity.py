"""Labels from altered versions, against versions that Pillow makes, and comparisons one by one."""

from collections.abc import Collection

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity
from torchvision.transforms.v2.functional import pil_to_tensor, to_pil_image

from froq_lightning.backbones.spec import Backbone, Preprocessing
from froq_lightning.calibration.backbone_identity import BackboneIdentity
from froq_lightning.calibration.budget import Budget
from froq_lightning.data.degradations import blur
from froq_lightning.data.face_batch import FaceBatch, FaceSample
from froq_lightning.errors import CalibrationError
from froq_lightning.methods.pseudo_mated_similarity import PseudoMatedSimilarity
from froq_lightning.runs.calibration_run import Calibration, CalibrationRun, Labelling

LABELLER = PseudoMatedSimilarity()
NOWHERE = torch.full((12,), -1)


class Pixels(nn.Module):
    """Embeds an image by its pixels; where an image is white in the middle and black in a corner, by NaN."""

    def forward(self, inputs: Tensor) -> Tensor:
        middle, corner = inputs[:, :, 16, 16].amin(dim=1), inputs[:, :, 0, 0].amax(dim=1)
        unknown = (middle > 0.999) & (corner < 0.001)
        return (inputs.flatten(1) - 0.5).masked_fill(unknown[:, None], torch.nan)


@pytest.fixture
def pixels() -> Backbone:
    """A network whose embedding is the image."""
    preprocessing = Preprocessing((32, 32), mean=(0.0,) * 3, std=(1.0,) * 3)
    return Backbone.with_weights(Pixels(), preprocessing, None, candidate_layers=())


def embedded(backbone: Backbone, images: Tensor) -> Tensor:
    with torch.no_grad():
        return backbone.embed(backbone.run(backbone.inputs(images))).float()


def kept(backbone: Backbone, images: Tensor, originals: Tensor) -> Tensor:
    """What is kept of samples."""
    return LABELLER.keep(backbone, images, embedded(backbone, images), originals == torch.arange(len(images)))


def with_blurred(images: Tensor, severity: float = 0.8) -> tuple[Tensor, Tensor]:
    """Put a blurred copy behind every image; say which image each sample shows."""
    copies = torch.stack([blur(image, severity, torch.Generator()) for image in images])
    return torch.stack([images, copies], dim=1).flatten(0, 1), torch.arange(2 * len(images)) // 2 * 2


def versions(image: Tensor) -> list[Tensor]:
    """The mirrored image, turned by ten degrees either way and reduced to 88 %, as Pillow makes them."""
    mirrored = to_pil_image(image).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    turned = [mirrored.rotate(angle, Image.Resampling.BILINEAR) for angle in (10, -10)]
    margins = [(length - length / 0.88) / 2 for length in mirrored.size]
    matrix = (1 / 0.88, 0.0, margins[0], 0.0, 1 / 0.88, margins[1])
    reduced = mirrored.transform(mirrored.size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
    return [pil_to_tensor(version) for version in (*turned, reduced)]


@pytest.mark.parametrize("network", ["edgeface", "mobilefacenet"])
def test_a_label_is_the_mean_cosine_to_the_versions_of_the_image(
    network: str, calibration_images: Tensor, request: pytest.FixtureRequest
) -> None:
    backbone: Backbone = request.getfixturevalue(network)
    images, originals = with_blurred(calibration_images[:12:2])
    result = LABELLER.label(kept(backbone, images, originals), NOWHERE, originals)
    own = embedded(backbone, images)
    mates = torch.stack([embedded(backbone, torch.stack(versions(images[number]))) for number in originals.tolist()])
    expected = cosine_similarity(own[:, None], mates, dim=2).mean(dim=1)
    # Pillow and torchvision place the corners of the image by less than a pixel otherwise.
    torch.testing.assert_close(result.labels.float(), expected, rtol=0, atol=0.005)
    assert (result.labels[::2] > result.labels[1::2]).all()  # blurred copies are worse than their images


@given(st.data(), st.integers(1, 20))
@settings(deadline=None)
def test_sums_give_what_a_comparison_one_by_one_gives(data: st.DataObject, block: int) -> None:
    count = data.draw(st.integers(2, 14))
    values = torch.randn(count, 10, generator=torch.Generator().manual_seed(data.draw(st.integers(0, 99))))
    values[data.draw(st.lists(st.integers(0, count - 1), max_size=3))] = torch.nan
    originals = torch.tensor([0, 0, *data.draw(st.lists(st.integers(0, 1), min_size=count - 2, max_size=count - 2))])
    originals[2:] = torch.arange(2, count).where(originals[2:] > 0, 0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("froq_lightning.methods.pseudo_mated_similarity.BLOCK", block)
        labels = LABELLER.label(values, torch.full((count,), -1), originals).labels
    expected = [values[n, :5].double() @ values[original, 5:].double() for n, original in enumerate(originals.tolist())]
    torch.testing.assert_close(labels, torch.stack(expected), rtol=0, atol=1e-12, equal_nan=True)


def test_autocast_leaves_the_versions_as_they_are(pixels: Backbone, small_images: Tensor) -> None:
    originals = torch.arange(14)
    exact = kept(pixels, small_images, originals)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(kept(pixels, small_images, originals), exact)


@pytest.mark.parametrize("kind", [torch.float32, torch.float64, torch.float16])
def test_images_in_floating_point_get_the_labels_of_whole_numbers(
    kind: torch.dtype, small_backbone: Backbone, small_images: Tensor
) -> None:
    images, originals = with_blurred(small_images)
    whole, floating = (
        LABELLER.label(kept(small_backbone, each, originals), NOWHERE, originals).labels
        for each in (images, images.to(kind) / 255)
    )
    torch.testing.assert_close(floating, whole, rtol=0, atol=2e-3)


@pytest.mark.parametrize(("size", "kind"), [((32, 24), torch.float32), ((32, 32), torch.bfloat16)])
def test_crops_that_are_not_square_and_networks_in_half_precision_have_labels(
    size: tuple[int, int], kind: torch.dtype, small_backbone: Backbone, small_images: Tensor
) -> None:
    backbone = Backbone.with_weights(small_backbone.network.to(kind), Preprocessing(size), None)
    images, originals = with_blurred(small_images[..., : size[1]])
    values = kept(backbone, images, originals)
    assert values.dtype == torch.float32
    labels = LABELLER.label(values, NOWHERE, originals).labels
    assert (labels > 0.5).all()
    assert (labels <= 1 + 1e-6).all()


def test_a_set_without_copies_is_refused_with_what_makes_them(pixels: Backbone, small_images: Tensor) -> None:
    values = kept(pixels, small_images, torch.arange(14))
    with pytest.raises(CalibrationError, match=r"compares copies with versions of the image, .* data\.degrade\.copies"):
        LABELLER.label(values, torch.full((14,), -1), torch.arange(14))


def calibrated(backbone: Backbone, images: Tensor, originals: Tensor, failed: Collection[int] = ()) -> Calibration:
    """Calibrate on samples that come in batches of four, some of which could not be read."""
    run = CalibrationRun(backbone, Labelling("pseudo_mated", LABELLER), len(images), torch.device("cpu"))
    for part in torch.arange(len(images)).split(4):
        read = torch.tensor([number for number in part.tolist() if number not in failed])
        failures = tuple(FaceSample(n, str(n), None, "file is empty") for n in part.tolist() if n in failed)
        keys = [str(number) for number in read.tolist()]
        run.add(FaceBatch(images[read], read, keys, [""] * len(read), failures=failures, original=originals[read]))
    return run.finish(BackboneIdentity.of(backbone, "small", {}, "none", "1"), "ridge", Budget(), None)


def test_copies_of_an_image_that_could_not_be_read_have_no_label(
    small_backbone: Backbone, small_images: Tensor
) -> None:
    result = calibrated(small_backbone, *with_blurred(small_images), failed=[6])
    assert {index: sample.note for index, sample in result.left_out.items()} == {6: "file is empty"}
    assert result.unlabelled == {7: "the image that it is a copy of could not be used"}
    assert (result.observer.calibration_set.images, result.table.missing) == (26, (6, 7))


def test_an_image_whose_versions_have_no_embedding_is_a_failure(pixels: Backbone, small_images: Tensor) -> None:
    images, originals = with_blurred(small_images)
    images[4:6] = 255  # turned or reduced, its corners are black
    backbone = Backbone.with_weights(nn.Sequential(nn.Identity(), pixels.network), pixels.preprocessing, None)
    result = calibrated(backbone, images, originals)
    assert [sample.note for sample in result.left_out.values()] == ["the network gives NaN or infinite values for it"]
    assert result.unlabelled == {5: "the image that it is a copy of could not be used"}


def test_a_set_whose_images_all_failed_is_refused_with_the_reasons(
    small_backbone: Backbone, small_images: Tensor
) -> None:
    message = r"got 0 \(28 left out; 0: file is empty; .*; the image that it is a copy of could not be used \(14\)\)"
    with pytest.raises(CalibrationError, match=message):
        calibrated(small_backbone, *with_blurred(small_images), failed=range(0, 28, 2))
