from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from froq_lightning.backbones.spec import AlignedFace, Pixels, Preprocessing
from froq_lightning.data.degradations import Degradations
from froq_lightning.data.face_dataset import FaceDataset
from froq_lightning.data.image_copies import WithCopies
from froq_lightning.data.image_refs import ImageRef
from froq_lightning.data.landmark_alignment import TEMPLATES
from froq_lightning.datamodules.loading import face_loader, require_loading
from froq_lightning.defects.components import COMPONENTS, UNKNOWN
from froq_lightning.errors import ConfigurationError
from froq_lightning.sources.source import read_faces

LANDMARKS = tuple((float(x), float(y)) for x, y in TEMPLATES["arcface"])


class Corner:
    """An aligner that takes the upper left corner for the face."""

    def __call__(self, image: Pixels) -> AlignedFace | None:
        return AlignedFace(image[:8, :8], 2) if image[0, 0].any() else None


@pytest.fixture
def image(crops: list) -> ImageRef:
    """A real crop in a file."""
    return ImageRef("face.jpg", crops[0].path)


@pytest.mark.parametrize("archive", ["bin_file", "memfile", "rec_file"])
def test_images_of_archives_become_crops(archive: str, request: pytest.FixtureRequest, crops: list) -> None:
    images = read_faces(request.getfixturevalue(archive)).images
    faces = FaceDataset(images, Preprocessing())
    known = {crop.pixels.tobytes() for crop in crops}
    for place in range(len(images)):
        sample = faces[place]
        assert (sample.key, sample.note, sample.index) == (images[place].key, "", place)
        assert sample.image.permute(1, 2, 0).numpy().tobytes() in known
    failed = FaceDataset(images, Preprocessing(size=(160, 160)))[0]
    assert failed.note.startswith("expected a 160 x 160 crop")


def test_workers_read_what_one_process_reads(rec_file: Path) -> None:
    faces = FaceDataset(read_faces(rec_file).images, Preprocessing())
    alone, shared = (list(face_loader(faces, 5, workers)) for workers in (0, 2))
    assert [key for batch in alone for key in batch.keys] == [str(number) for number in range(1, 13)]
    for one, other in zip(alone, shared, strict=True):
        assert one.keys == other.keys
        assert (one.images == other.images).all()


def test_an_aligner_is_preferred_to_landmarks(image: ImageRef) -> None:
    with_landmarks = replace(image, landmarks=LANDMARKS)
    assert FaceDataset([with_landmarks], Preprocessing(size=(160, 128)))[0].image.shape == (3, 160, 128)
    sample = FaceDataset([with_landmarks], Preprocessing(size=(8, 8), alignment="other"), Corner())[0]
    assert (sample.image.shape, sample.note) == ((3, 8, 8), "2 faces, took the largest")


def test_landmarks_that_lead_to_another_template_are_refused(image: ImageRef) -> None:
    images = [replace(image, landmarks=LANDMARKS)]
    message = "Expected a network with 'arcface' alignment, .*, but got 'dlib'; set data.aligner"
    with pytest.raises(ConfigurationError, match=message):
        FaceDataset(images, Preprocessing(alignment="dlib"))


@pytest.mark.parametrize(("knobs", "message"), [((0, None), "`batch_size` to be at least 1"), ((1, -1), "`workers`")])
def test_loading_knobs_out_of_their_range_are_refused(knobs: tuple, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        require_loading(*knobs)


def test_by_default_one_core_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    for cores, workers in ((1, 0), (4, 3), (64, 8), (None, 0)):
        monkeypatch.setattr("os.cpu_count", lambda cores=cores: cores)
        assert require_loading(1, None) == workers
    assert require_loading(1, 5) == 5


def test_a_known_problem_and_a_missing_face_are_reasons(image: ImageRef) -> None:
    Image.new("RGB", (50, 50)).save("black.png")
    images = [replace(image, problem="no label"), ImageRef("black.png", Path("black.png"))]
    faces = FaceDataset(images, Preprocessing(), Corner())
    assert [(faces[place].image, faces[place].note) for place in (0, 1)] == [
        (None, "no label"),
        (None, "no face found"),
    ]


@pytest.mark.parametrize("archive", ["bin_file", "memfile", "rec_file"])
def test_archives_of_photographs_are_refused_before_a_run(archive: str, request: pytest.FixtureRequest) -> None:
    images, other = read_faces(request.getfixturevalue(archive)).images, Preprocessing(size=(160, 128))
    with pytest.raises(ConfigurationError, match=r"128 x 160 crops with 'arcface' .* 112 x 112; set data\.aligner for"):
        FaceDataset(images, other).require_crops("train")
    FaceDataset(images, other, resize=True).require_crops("train")
    FaceDataset(images, other, Corner()).require_crops("train")
    FaceDataset(images, Preprocessing()).require_crops("train")


def test_one_crop_among_photographs_and_unreadable_images_is_enough(image: ImageRef, tmp_path: Path) -> None:
    Image.new("RGB", (250, 250)).save(tmp_path / "photo.png")
    photo, gone = ImageRef("photo.png", tmp_path / "photo.png"), ImageRef("gone.png", tmp_path / "gone.png")
    FaceDataset([photo, gone, image], Preprocessing()).require_crops("mixed")
    FaceDataset([gone, replace(photo, problem="no label")], Preprocessing()).require_crops("unreadable")
    FaceDataset([replace(photo, landmarks=LANDMARKS)], Preprocessing()).require_crops("loose crops")
    with pytest.raises(ConfigurationError, match=r"other sizes in mixed, such as photo\.png with 250 x 250; set"):
        FaceDataset([gone, *[photo] * 40], Preprocessing()).require_crops("mixed")


@pytest.mark.parametrize("workers", [0, 2])
def test_subjects_and_copies_travel_with_the_crops(workers: int, crops: list) -> None:
    copied = WithCopies([ImageRef(crop.path.name, crop.path) for crop in crops[:4]], 1)
    subjects = np.array([7, 7, -1, -1, 2**40, 2**40, 0, 0])
    degraded = Degradations(0, copies=1)
    faces = FaceDataset(copied, Preprocessing(), degradations=degraded, subjects=subjects)
    batches = [batch.to("cpu") for batch in face_loader(faces, 3, workers)]
    assert torch.cat([batch.subject for batch in batches]).tolist() == subjects.tolist()
    assert torch.cat([batch.original for batch in batches]).tolist() == [0, 0, 2, 2, 4, 4, 6, 6]
    assert [part.tolist() for part in faces.origins()] == [subjects.tolist(), [0, 0, 2, 2, 4, 4, 6, 6]]
    notes = [note for batch in batches for note in batch.notes]
    assert [note.startswith("degraded: ") for note in notes] == [False, True] * 4
    images = torch.cat([batch.images for batch in batches])
    assert torch.equal(images[0], FaceDataset(copied[:1], Preprocessing())[0].image)
    assert notes[3] == degraded(images[2], 1, 1)[1]


def test_degradations_are_noted_after_what_reading_changed(image: ImageRef) -> None:
    faces = FaceDataset([image], Preprocessing(size=(56, 56)), resize=True, degradations=Degradations(share=1.0))
    assert faces[0].note.startswith("resized from 112 x 112; degraded: ")


def test_an_aligner_that_tells_no_landmarks_gives_reasons_too(image: ImageRef) -> None:
    size = Preprocessing(size=(8, 8), alignment="other")
    sample = FaceDataset([image, replace(image, problem="lies elsewhere")], size, Corner(), reasons=True)
    values = dict(zip(COMPONENTS, sample[0].components, strict=True))
    assert (values["SingleFacePresent"], values["HeadPoseYaw"], values["InterEyeDistance"]) == (0, -1, -1)
    assert sample[1].components == UNKNOWN
    batch = next(iter(face_loader(sample, 2, 0)))
    assert batch.components.tolist() == [list(sample[0].components)]
    assert FaceDataset([image], size, Corner())[0].components is None


def test_landmarks_that_come_with_images_tell_size_and_pose(image: ImageRef) -> None:
    faces = FaceDataset([replace(image, landmarks=LANDMARKS)], Preprocessing(), reasons=True)
    values = dict(zip(COMPONENTS, faces[0].components, strict=True))
    assert values["InterEyeDistance"] == 15  # 35 pixels
    assert values["HeadPoseYaw"] == 100
