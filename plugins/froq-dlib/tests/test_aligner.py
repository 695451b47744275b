import pickle
from collections.abc import Callable
from pathlib import Path

import dlib
import numpy as np
import pytest
import timm
import torch
from froq_dlib.aligner import dlib_aligner
from froq_dlib.files import LANDMARKS, model_file
from PIL import Image
from safetensors.torch import load_file
from skimage import data as samples

from froq_lightning.backbones.spec import Pixels

Read = Callable[[Path], Pixels]


def test_a_dlib_crop_is_the_chip_that_dlib_cuts(astronaut: Pixels) -> None:
    box = dlib.get_frontal_face_detector()(astronaut)[0]
    landmarks = dlib.shape_predictor(str(model_file(LANDMARKS)))(astronaut, box)
    face = dlib_aligner("dlib", (150, 150))(astronaut)
    assert face is not None
    assert face.faces_found == 1
    assert face.areas == (float(box.area()),)
    assert np.array_equal(face.image, dlib.get_face_chip(astronaut, landmarks, size=150, padding=0.25))


def test_the_landmarks_are_those_of_the_photograph_from_left_to_right(astronaut: Pixels) -> None:
    face, mirrored = (dlib_aligner("dlib", (96, 96))(pixels) for pixels in (astronaut, astronaut[:, ::-1]))
    assert face is not None
    assert face.landmarks is not None
    assert mirrored is not None
    assert mirrored.landmarks is not None
    (left, right), nose = face.landmarks.eyes, face.landmarks.nose
    assert nose is not None
    assert left[0] < nose[0] < right[0]
    assert max(left[1], right[1]) < nose[1]
    assert 30 < face.landmarks.distance < 60
    across = astronaut.shape[1] - 1 - mirrored.landmarks.eyes[::-1, 0]
    assert np.abs(across - face.landmarks.eyes[:, 0]).max() < 4


@pytest.mark.parametrize(("alignment", "size"), [("dlib", (96, 96)), ("arcface", (224, 224)), ("arcface", (112, 96))])
def test_a_crop_has_the_size_asked_for(astronaut: Pixels, alignment: str, size: tuple[int, int]) -> None:
    face = dlib_aligner(alignment, size)(astronaut)
    assert face is not None
    assert face.image.shape == (*size, 3)
    assert face.image.dtype == np.uint8


def test_a_narrow_arcface_crop_is_the_middle_of_the_square_one(astronaut: Pixels) -> None:
    square, narrow = (dlib_aligner("arcface", size)(astronaut) for size in ((112, 112), (112, 96)))
    assert square is not None
    assert narrow is not None
    assert np.abs(narrow.image.astype(int) - square.image[:, 8:-8]).max() <= 1


def test_a_face_four_times_as_large_gives_the_same_crop(astronaut: Pixels) -> None:
    large = np.array(Image.fromarray(astronaut).resize((2048, 2048), Image.Resampling.BICUBIC))
    align = dlib_aligner("arcface", (112, 112))
    face, enlarged = align(astronaut), align(large)
    assert face is not None
    assert enlarged is not None
    assert np.abs(face.image.astype(int) - enlarged.image).mean() < 6


def test_the_largest_face_is_taken_and_all_are_counted(astronaut: Pixels) -> None:
    small = np.array(Image.fromarray(astronaut).resize((350, 350)))
    both = np.zeros((512, 862, 3), np.uint8)
    both[:350, :350], both[:, 350:] = small, astronaut
    align = dlib_aligner("dlib", (150, 150))
    face, alone = align(both), align(astronaut)
    assert face is not None
    assert alone is not None
    assert face.faces_found == 2
    assert np.abs(face.image.astype(int) - alone.image).mean() < 6


def test_a_tight_crop_is_found_with_a_margin(astronaut: Pixels) -> None:
    face = dlib_aligner("arcface", (112, 112))(astronaut[75:170, 180:265])
    assert face is not None
    assert face.faces_found == 1


@pytest.mark.parametrize("name", ["coffee", "brick", "grass", "chelsea", "coins", "text"])
def test_a_picture_without_a_face_gives_none(name: str) -> None:
    picture = getattr(samples, name)()
    pixels = picture if picture.ndim == 3 else np.stack([picture] * 3, axis=2)
    assert dlib_aligner("dlib", (150, 150))(np.ascontiguousarray(pixels)) is None


@pytest.mark.parametrize("shape", [(1, 1), (5, 3), (1, 2000), (30, 30)])
def test_a_tiny_picture_gives_none(shape: tuple[int, int]) -> None:
    assert dlib_aligner("dlib", (150, 150))(np.zeros((*shape, 3), np.uint8)) is None


def test_a_used_aligner_can_be_sent_to_another_process(astronaut: Pixels) -> None:
    align = dlib_aligner("arcface", (112, 112), upsample=0)
    before = align(astronaut)
    sent = pickle.dumps(align)
    after = pickle.loads(sent)(astronaut)  # noqa: S301
    assert len(sent) < 1000
    assert before is not None
    assert np.array_equal(before.image, after.image)


def test_a_view_of_an_image_is_aligned_like_a_copy(astronaut: Pixels) -> None:
    align = dlib_aligner("dlib", (150, 150))
    mirrored = astronaut[:, ::-1]
    face, copied = align(mirrored), align(mirrored.copy())
    assert face is not None
    assert copied is not None
    assert np.array_equal(face.image, copied.image)


def test_an_unknown_alignment_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="one of arcface, dlib, but got 'mtcnn'"):
        dlib_aligner("mtcnn", (112, 112))


def test_a_dlib_chip_must_be_square() -> None:
    with pytest.raises(ValueError, match=r"to be square, .* but got \(150, 120\)"):
        dlib_aligner("dlib", (150, 120))


@pytest.mark.parametrize("options", [{"upsample": -1}, {"upsample": 5}, {"longest_side": 0}])
def test_an_option_out_of_its_range_is_refused(options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="Expected `upsample` in"):
        dlib_aligner("arcface", (112, 112), **options)


@pytest.mark.parametrize("image", [np.zeros((9, 9), np.uint8), np.zeros((9, 9, 4), np.uint8), np.zeros((9, 9, 3))])
def test_an_image_that_is_not_rgb_uint8_is_refused(image: Pixels) -> None:
    with pytest.raises(ValueError, match="Expected `image` to be RGB"):
        dlib_aligner("dlib", (150, 150))(image)


def test_most_tight_crops_and_photographs_are_found(shared_data: Path, photographs: list[Path], read: Read) -> None:
    align = dlib_aligner("dlib", (150, 150))
    crops = [shared_data / "faces" / path.relative_to(shared_data / "photos") for path in photographs]
    found = [align(read(path)) is not None for path in photographs + crops]
    assert np.mean(found) > 0.95


def test_arcface_crops_of_photographs_embed_like_crops_made_by_others(
    shared_data: Path, photographs: list[Path], read: Read
) -> None:
    align = dlib_aligner("arcface", (112, 112))
    aligned = {path: face.image for path in photographs if (face := align(read(path)))}
    crops = [read(shared_data / "faces" / path.relative_to(shared_data / "photos")) for path in aligned]
    network = timm.create_model("edgenext_xx_small", num_classes=512).eval()
    network.load_state_dict(load_file(shared_data / "weights" / "edgeface_xxs.safetensors"))

    def embed(images: list[Pixels]) -> torch.Tensor:
        return network((torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2) / 255 - 0.5) / 0.5)

    with torch.inference_mode():
        cosine = torch.cosine_similarity(embed(list(aligned.values())), embed(crops))
    assert cosine.mean() > 0.9
