from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from froq_lightning.cli.data import run_inspect

Told = Callable[..., list[str]]


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Told:
    """Inspects a source and returns the lines printed, without their indentation."""

    def inspect(path: Path, **options: str) -> list[str]:
        run_inspect(str(path), **options)
        return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]

    return inspect


def test_a_pairs_file_of_real_faces_is_told(told: Told, shared: Path) -> None:
    path = shared / "data" / "pairs.csv"
    assert told(path, root=str(shared / "data" / "faces")) == [
        f"{path}: pairs of images (image_a, image_b, mated), table or list",
        "images 1,671",
        "subjects 495",
        "comparison trials 2,582 mated, 20,000 non-mated",
        "read as a sample 200, 0 unreadable",
        "sizes 112 x 112 (200)",
        "modes 8-bit colour (200)",
        "taken for aligned crops, as all are of one size",
    ]


def test_photographs_of_subjects_are_told_with_how_trials_were_sampled(told: Told, shared: Path) -> None:
    lines = told(shared / "data" / "photos")
    assert "all 2,582 mated trials, 10,000 of 1,392,703 non-mated trials sampled (seed 0)" in lines
    assert "taken for photographs, as they are of several sizes or large; set data.aligner" in lines


def test_templates_with_landmarks_are_told(told: Told, shared: Path, tmp_path: Path) -> None:
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
    lines = told(tmp_path)
    assert lines[0].endswith(": IJB-B or IJB-C folder")
    assert "templates 2" in lines
    assert "taken for loose crops with landmarks, which align them when they are read" in lines


def test_swapped_channels_and_unreadable_images_are_noted(told: Told, shared: Path, tmp_path: Path) -> None:
    for path in sorted((shared / "data" / "calibration").glob("*.jpg"))[:9]:
        Image.fromarray(np.asarray(Image.open(path).convert("RGB"))[..., ::-1]).save(tmp_path / f"{path.stem}.png")
    for number in range(7):
        (tmp_path / f"broken{number}.jpg").touch()
        Image.new("L", (20 + number, 20)).save(tmp_path / f"small{number}.png")
    lines = told(tmp_path)
    assert lines[0] == f"{tmp_path}: folder of images"
    assert "images 23" in lines
    assert lines[2].startswith("comparison trials none: Expected ")
    assert "read as a sample 16, 7 unreadable" in lines
    assert "sizes 112 x 112 (9), 20 x 20 (1), 21 x 20 (1), 22 x 20 (1), 23 x 20 (1) and 3 others" in lines
    assert "modes 8-bit colour (9), grey image (7)" in lines
    assert "unreadable broken0.jpg: file is empty" in lines
    assert sum(line.startswith("unreadable") for line in lines) == 5
    assert lines[-2:] == [
        "note: red and blue look swapped: 9 of 9 faces are bluer than red; scores would be wrong",
        "note: 2 more are unreadable",
    ]


def test_a_folder_of_which_nothing_can_be_read_is_told(told: Told, tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").touch()
    lines = told(tmp_path)
    assert lines[-2:] == ["read as a sample 0, 1 unreadable", "unreadable broken.jpg: file is empty"]


def test_a_part_may_be_asked_for(tmp_path: Path) -> None:
    (tmp_path / "pairs.csv").write_text("image_a,image_b,mated\npairs.csv,x,1\n")
    with pytest.raises(ValueError, match="Expected no `part` 'FF'"):
        run_inspect(str(tmp_path / "pairs.csv"), part="FF")
