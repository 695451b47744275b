"""What `froq data inspect` prints of a source."""

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from froq_lightning.cli import main

Lines = Callable[..., list[str]]


@pytest.fixture
def inspect(capsys: pytest.CaptureFixture[str]) -> Lines:
    """Inspects a source and returns the lines printed, without their indentation."""

    def run(path: Path, *options: str) -> list[str]:
        assert main(["data", "inspect", str(path), *options]) == 0
        return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]

    return run


def test_a_pairs_file_of_real_faces_is_described(inspect: Lines, shared: Path) -> None:
    path = shared / "data" / "pairs.csv"
    assert inspect(path, f"--root={shared / 'data' / 'faces'}") == [
        f"{path}: pairs of images (image_a, image_b, mated), table or list",
        "images 1,671",
        "subjects 495",
        "comparison trials 2,582 mated, 20,000 non-mated",
        "read as a sample 200, 0 unreadable",
        "sizes 112 x 112 (200)",
        "modes 8-bit colour (200)",
        "taken for aligned crops, as all are of one size",
    ]


def test_photographs_of_subjects_are_described_with_how_trials_were_sampled(inspect: Lines, shared: Path) -> None:
    lines = inspect(shared / "data" / "photos")
    assert "all 2,582 mated trials, 10,000 of 1,392,703 non-mated trials sampled (seed 0)" in lines
    assert "taken for photographs, as they are of several sizes or large; set data.aligner" in lines


def test_templates_with_landmarks_are_described(inspect: Lines, shared: Path, tmp_path: Path) -> None:
    points = "38 51 73 51 56 71 41 92 70 92"
    files = {
        "face_tid_mid": "1.jpg 1 1\n2.jpg 2 2\n",
        "template_pair_label": "1 2 0\n",
        "name_5pts_score": f"1.jpg {points} 1\n2.jpg {points} 1\n",
    }
    (tmp_path / "loose_crop").mkdir()
    for number, path in enumerate(sorted((shared / "data" / "calibration").glob("*.jpg"))[:2], start=1):
        (tmp_path / "loose_crop" / f"{number}.jpg").symlink_to(path)
    (tmp_path / "meta").mkdir()
    for name, text in files.items():
        (tmp_path / "meta" / f"ijbb_{name}.txt").write_text(text)
    lines = inspect(tmp_path)
    assert lines[0].endswith(": IJB-B or IJB-C folder")
    assert "templates 2" in lines
    assert "taken for loose crops with landmarks, which align them when they are read" in lines


def test_swapped_channels_and_unreadable_images_are_noted(inspect: Lines, shared: Path, tmp_path: Path) -> None:
    for path in sorted((shared / "data" / "calibration").glob("*.jpg"))[:9]:
        Image.fromarray(np.asarray(Image.open(path).convert("RGB"))[..., ::-1]).save(tmp_path / f"{path.stem}.png")
    for number in range(7):
        (tmp_path / f"broken{number}.jpg").touch()
        Image.new("L", (20 + number, 20)).save(tmp_path / f"small{number}.png")
    (tmp_path / "clip.mov").touch()
    lines = inspect(tmp_path)
    assert lines[:3] == [
        f"{tmp_path}: folder of images",
        "images 23",
        "passed over 1 file not read as images (.mov 1, such as clip.mov)",
    ]
    assert lines[3].startswith("comparison trials none: Expected ")
    assert "read as a sample 16, 7 unreadable" in lines
    assert "sizes 112 x 112 (9), 20 x 20 (1), 21 x 20 (1), 22 x 20 (1), 23 x 20 (1) and 3 others" in lines
    assert "modes 8-bit colour (9), grey image (7)" in lines
    assert "unreadable broken0.jpg: file is empty" in lines
    assert sum(line.startswith("unreadable") for line in lines) == 5
    assert lines[-2:] == [
        "note: red and blue look swapped: 9 of 9 faces are bluer than red; scores would be wrong",
        "note: 2 more are unreadable",
    ]


@pytest.mark.parametrize("folder", ["faces", "faces_degraded", "photos", "calibration", "calibration_photos"])
def test_channels_of_real_faces_look_right_until_they_are_swapped(
    folder: str, inspect: Lines, shared: Path, tmp_path: Path
) -> None:
    assert not any("look swapped" in line for line in inspect(shared / "data" / folder))
    for path in sorted((shared / "data" / folder).rglob("*.jpg"))[::28]:
        Image.fromarray(np.asarray(Image.open(path).convert("RGB"))[..., ::-1]).save(tmp_path / f"{path.stem}.png")
    assert any("look swapped" in line for line in inspect(tmp_path))


@pytest.mark.parametrize(
    ("sizes", "last"),
    [
        ([(96, 112)], "taken for aligned crops, as all are of one size"),
        ([(250, 250)], "taken for photographs, as they are of several sizes or large; set data.aligner"),
        ([(112, 112), (112, 113)], "taken for photographs, as they are of several sizes or large; set data.aligner"),
        ([], "read as a sample 0, 1 unreadable"),
    ],
)
def test_images_of_one_small_size_are_taken_for_crops_and_few_say_nothing_of_channels(
    sizes: list[tuple[int, int]], last: str, inspect: Lines, tmp_path: Path
) -> None:
    (tmp_path / "broken.jpg").touch()
    for width, height in sizes:
        Image.new("RGB", (width, height), "blue").save(tmp_path / f"{width}x{height}.png")
    assert inspect(tmp_path)[-2:] == [last, "unreadable broken.jpg: file is empty"]


@pytest.mark.parametrize(
    ("archive", "kind"),
    [("bin_file", "insightface .bin"), ("memfile", "AdaFace memfile"), ("rec_file", "RecordIO .rec")],
)
def test_archives_are_described_with_their_trials(
    archive: str, kind: str, inspect: Lines, request: pytest.FixtureRequest
) -> None:
    first, images, *lines = inspect(request.getfixturevalue(archive))
    assert first.endswith(f": {kind}")
    assert images == "images 12"
    assert any(line.startswith("comparison trials ") and "none" not in line for line in lines)
    assert lines[-1] == "taken for aligned crops, as all are of one size"


def test_what_has_no_trials_is_described_with_what_is_in_the_way(
    inspect: Lines, crops: list, memfile: Path, tmp_path: Path
) -> None:
    (tmp_path / "lfw").symlink_to(memfile)
    (tmp_path / "flat").mkdir()
    (tmp_path / "flat" / "a.jpg").write_bytes(crops[0].content)
    (tmp_path / "list.csv").write_text("path\nflat/a.jpg\n")
    (tmp_path / "who.csv").write_text("path,subject_id\nflat/a.jpg,1\n")
    for name, kind, obstacle in (
        ("lfw", "AdaFace memfile", "lfw_list.npy, which lists the "),
        ("flat", "folder of images", "Expected flat to tell the subj"),
        ("flat/a.jpg", "image", "Expected a to tell the subject"),
        ("list.csv", "manifest", "Expected list to tell the subj"),
        ("who.csv", "manifest", "Expected who to hold two subje"),
    ):
        first, _, trials, *_ = inspect(tmp_path / name)
        assert first.startswith(f"{tmp_path / name}: {kind}")
        assert trials.startswith(f"comparison trials none: {obstacle}")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("pairs.csv", "pairs.csv, line 2: Expected `mated`"),
        ("pairs.csv --part=FF", "Expected no `part` 'FF'"),
        ("net.ckpt", "net.ckpt is of no known format; there are: AdaFace memfile; "),
        ("gone", "data source 'gone' does not exist"),
        ("list.csv", "list.csv, line 3: 'a' stands there twice"),
    ],
)
def test_what_is_malformed_or_unknown_is_refused(
    source: str, message: str, refused: Callable[..., str], tmp_path: Path
) -> None:
    (tmp_path / "pairs.csv").write_text("image_a,image_b,mated\na,b,c\n")
    (tmp_path / "net.ckpt").write_bytes(pickle.dumps({"state_dict": {}}))
    (tmp_path / "list.csv").write_text("path\na\na\n")
    assert message in refused("data", "inspect", *source.split())
