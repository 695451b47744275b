import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from froq_lightning.cli.data import inspect_source
from froq_lightning.data.image_survey import survey_images
from froq_lightning.errors import DataError, DataNotFoundError
from froq_lightning.sources.source import read_faces


def swapped(folder: Path, to: Path) -> Path:
    """Copy images with red and blue exchanged."""
    to.mkdir()
    for path in sorted(folder.rglob("*.jpg"))[::28]:
        Image.fromarray(np.asarray(Image.open(path).convert("RGB"))[..., ::-1]).save(to / path.with_suffix(".png").name)
    return to


@pytest.mark.parametrize("folder", ["faces", "faces_degraded", "photos", "calibration", "calibration_photos"])
def test_channels_look_swapped_where_they_are_and_nowhere_else(folder: str, shared: Path, tmp_path: Path) -> None:
    source = shared / "data" / folder
    right, wrong = (
        survey_images(read_faces(source).images),
        survey_images(read_faces(swapped(source, tmp_path / "swapped")).images),
    )
    assert not right.looks_swapped
    assert wrong.looks_swapped
    assert right.bluer < 0.05 * right.redder
    assert wrong.redder < 0.05 * wrong.bluer


def test_grey_images_and_few_images_tell_nothing_of_channels(crops: list, tmp_path: Path) -> None:
    for number, crop in enumerate(crops):
        Image.fromarray(crop.pixels).convert("L").save(tmp_path / f"{number}.png")
    for number in range(4):
        Image.fromarray(np.full((9, 9, 3), (0, 0, 200), np.uint8)).save(tmp_path / f"blue{number}.png")
    survey = survey_images(read_faces(tmp_path).images)
    assert (survey.redder, survey.bluer, survey.looks_swapped) == (0, 4, False)
    assert survey.modes == {"grey image": 12, "8-bit colour": 4}


def test_a_sample_is_drawn_by_its_seed(shared: Path) -> None:
    records = read_faces(shared / "data" / "faces").images
    surveys = [survey_images(records, most=30, seed=seed) for seed in (0, 0, 1)]
    assert sum(surveys[0].sizes.values()) == 30
    assert surveys[0] == surveys[1]


@pytest.mark.parametrize(
    ("sizes", "crop"),
    [
        ([(112, 112)], (112, 112)),
        ([(96, 112)], (96, 112)),
        ([(250, 250)], None),
        ([(112, 112), (112, 113)], None),
        ([], None),
    ],
)
def test_images_of_one_small_size_are_taken_for_crops(sizes: list, crop: tuple | None, tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").touch()
    for size in sizes:
        Image.new("RGB", size).save(tmp_path / f"{size[0]}x{size[1]}.png")
    survey = survey_images(read_faces(tmp_path).images)
    assert survey.crop_size == crop
    assert survey.failures == {"broken.jpg": "file is empty"}


@pytest.mark.parametrize(
    ("archive", "kind"),
    [("bin_file", "insightface .bin"), ("memfile", "AdaFace memfile"), ("rec_file", "RecordIO .rec")],
)
def test_archives_are_told_with_their_trials(archive: str, kind: str, request: pytest.FixtureRequest) -> None:
    found = inspect_source(str(request.getfixturevalue(archive)))
    assert (found.kind, len(found.images), found.obstacle) == (kind, 12, "")
    assert found.survey.sizes == {(112, 112): 12}
    assert not found.survey.looks_swapped


def test_what_has_no_trials_is_told_as_images_with_what_is_in_the_way(
    crops: list, memfile: Path, tmp_path: Path
) -> None:
    (tmp_path / "lfw").symlink_to(memfile)
    (tmp_path / "flat").mkdir()
    (tmp_path / "flat" / "a.jpg").write_bytes(crops[0].content)
    (tmp_path / "list.csv").write_text("path\nflat/a.jpg\n")
    (tmp_path / "who.csv").write_text("path,subject_id\nflat/a.jpg,1\n")
    told = {
        name: (found.kind.split(" (")[0], found.obstacle[:30], found.comparisons)
        for name in ("lfw", "flat", "flat/a.jpg", "list.csv", "who.csv")
        if (found := inspect_source(str(tmp_path / name)))
    }
    assert told == {
        "lfw": ("AdaFace memfile", "lfw_list.npy, which lists the ", None),
        "flat": ("folder of images", "Expected flat to tell the subj", None),
        "flat/a.jpg": ("image", "Expected a to tell the subject", None),
        "list.csv": ("manifest", "Expected list to tell the subj", None),
        "who.csv": ("manifest", "Expected who to hold two subje", None),
    }


@pytest.mark.parametrize(
    ("text", "kind", "images"),
    [
        ("a.jpg\nb.jpg\n", "manifest", 2),
        ("path\tpseudo_quality\na.jpg\t1\n", "manifest", 1),
        ("a.jpg b.jpg 1\n", "pairs of images", 2),
        ("a.jpg 1\nb.jpg 1\n", "pairs of images", 2),
        ("image_a;image_b;mated\na.jpg;b.jpg;1\n", "pairs of images", 2),
    ],
)
def test_a_text_is_told_by_its_content(text: str, kind: str, images: int, crops: list, tmp_path: Path) -> None:
    for name, crop in zip(("a.jpg", "b.jpg"), crops, strict=False):
        (tmp_path / name).write_bytes(crop.content)
    (tmp_path / "list.txt").write_text(text)
    found = inspect_source(str(tmp_path / "list.txt"))
    assert (found.kind.split(" (")[0], len(found.images), found.survey.failures) == (kind, images, {})


def test_what_is_passed_over_in_a_folder_is_told(crops: list, tmp_path: Path) -> None:
    for crop in crops:
        path = tmp_path / "people" / crop.subject / crop.path.with_suffix(".jfif").name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(crop.content)
    (tmp_path / "people" / "clip.mov").touch()
    for source, kind in (("people", "folder of images"), (path.parent, "folder of images")):
        found = inspect_source(str(tmp_path / source))
        assert found.kind == kind
        assert (found.passed_over == "1 file not read as images (.mov 1, such as clip.mov)") is (source == "people")
    assert inspect_source(str(path)).survey.sizes == {(112, 112): 1}


def test_what_is_malformed_or_unknown_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pairs.csv").write_text("image_a,image_b,mated\na,b,c\n")
    with pytest.raises(DataError, match=r"pairs\.csv, line 2: Expected `mated`"):
        inspect_source(str(tmp_path / "pairs.csv"))
    (tmp_path / "net.ckpt").write_bytes(pickle.dumps({"state_dict": {}}))
    with pytest.raises(DataError, match=r"net\.ckpt is of no known format; there are: AdaFace memfile; .*; manifest"):
        inspect_source(str(tmp_path / "net.ckpt"))
    with pytest.raises(DataNotFoundError, match="data source 'gone' does not exist"):
        inspect_source("gone")
    (tmp_path / "list.csv").write_text("path\na\na\n")
    with pytest.raises(DataError, match=r"list\.csv, line 3: 'a' stands there twice"):
        inspect_source(str(tmp_path / "list.csv"))
