from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from froq_lightning.backbones.spec import Preprocessing
from froq_lightning.data.face_dataset import FaceDataset
from froq_lightning.errors import DataError, DataNotFoundError
from froq_lightning.sources import ijb as ijb_source
from froq_lightning.sources.source import read_trials

# In an aligned crop, the landmarks lie on the template.
ON_TEMPLATE = "38.2946 51.6963 73.5318 51.5014 56.0252 71.7366 41.5493 92.3655 70.7299 92.2041"
FACES = "1.jpg 10 7\n2.jpg 10 7\n3.jpg 10 8\n4.jpg 3 7\n5.jpg 3 9\n6.jpg 25 7\n7.jpg 25 1\n"
TRIALS = "10 3 0\n25 10 1\n3 25 0\n"

Rewrite = Callable[[str, str], Path]


@pytest.fixture
def ijb(crops: list, tmp_path: Path) -> Rewrite:
    """Seven real crops in three templates in IJB-C's layout; a file of the protocol may be given other content."""
    folder = tmp_path / "IJBC"
    for name in ("meta", "loose_crop"):
        (folder / name).mkdir(parents=True)
    for number, crop in enumerate(crops[:7], start=1):
        (folder / "loose_crop" / f"{number}.jpg").write_bytes(crop.content)
    landmarks = "".join(f"{number}.jpg {ON_TEMPLATE} 0.99\n" for number in reversed(range(1, 8)))
    files = {"face_tid_mid": FACES, "template_pair_label": TRIALS, "name_5pts_score": landmarks}

    def write(file: str = "face_tid_mid", content: str = "\n" + FACES) -> Path:
        for name, text in (files | {file: content}).items():
            (folder / "meta" / f"ijbc_{name}.txt").write_bytes(text.encode("latin-1"))
        return folder

    return write


@pytest.mark.parametrize("below", ["", "meta"])
def test_templates_and_their_trials_come_as_the_protocol_states(below: str, ijb: Rewrite) -> None:
    read = read_trials(str(ijb() / below))
    assert (read.name, [image.key for image in read.images]) == ("ijbc", [f"{n}.jpg" for n in range(1, 8)])
    assert read.templates.template.tolist() == [1, 1, 1, 0, 0, 2, 2]
    media = read.templates.media
    np.testing.assert_array_equal(
        media[:, None] == media, np.equal.outer(same := np.array([0, 0, 1, 2, 3, 4, 5]), same)
    )
    assert (read.first.tolist(), read.second.tolist()) == ([1, 2, 0], [0, 1, 2])
    assert read.mated.tolist() == [False, True, False]
    assert read.subjects.tolist() == [0, 1, 1]


def test_loose_crops_are_aligned_by_their_landmarks(ijb: Rewrite, crops: list) -> None:
    faces = FaceDataset(read_trials(str(ijb())).images, Preprocessing())
    for sample, crop in zip((faces[place] for place in range(7)), crops, strict=False):
        assert sample.note == ""
        # The landmarks already lie on the template: the pixels stay, but for those that rounding moves out.
        difference = np.abs(sample.image.permute(1, 2, 0).numpy().astype(int) - crop.pixels)[1:-1, 1:-1]
        assert difference.max() <= 2


def test_a_crop_without_landmarks_is_a_reason(ijb: Rewrite) -> None:
    folder = ijb("name_5pts_score", f"1.jpg {ON_TEMPLATE} 0.9\nelse.jpg {ON_TEMPLATE} 0.9\n")
    faces = FaceDataset(read_trials(str(folder)).images, Preprocessing())
    assert faces[0].image is not None
    assert faces[1].note == "landmarks are no face: they are the same point, or not finite"


def test_many_trials_are_read_in_chunks(ijb: Rewrite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ijb_source, "CHUNK", 64)
    draw = np.random.default_rng(0)
    rows = np.stack([draw.choice([3, 10, 25], 999), draw.choice([3, 10, 25], 999), draw.integers(2, size=999)], axis=1)
    lines = [" ".join(map(str, row)) for row in rows]
    lines[500] += "\n"  # a blank line after it
    read = read_trials(str(ijb("template_pair_label", "\n".join(lines))))
    identities = np.array([3, 10, 25])
    np.testing.assert_array_equal(identities[read.first], rows[:, 0])
    np.testing.assert_array_equal(identities[read.second], rows[:, 1])
    np.testing.assert_array_equal(read.mated, rows[:, 2] == 1)


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("face_tid_mid", "1.jpg 10\n", r"ijbc_face_tid_mid\.txt, line 1: Expected a name and two numbers, but got '1"),
        ("face_tid_mid", "1.jpg 1 2\n1.jpg 1 3", r"Expected ijbc_face_tid_mid\.txt to name every crop once"),
        ("face_tid_mid", "", r"ijbc_face_tid_mid\.txt names no crops"),
        ("template_pair_label", "10 3 0\n10 4 0\n", r"ijbc_template_pair_label\.txt compares template 4, which has no"),
        ("template_pair_label", "10 3 2\n", r"Expected ijbc_template_pair_label\.txt to end its lines in 0 or 1, but"),
        (
            "template_pair_label",
            "10 3 0\n\n10 -3 1",
            r"label\.txt, line 3: Expected 3 whole numbers, but got '10 -3 1'",
        ),
        ("template_pair_label", "", r"ijbc_template_pair_label\.txt holds no comparison trials"),
        ("name_5pts_score", "1.jpg 1 2 3 4\n", r"score\.txt, line 1: Expected a name and five points, but got '1\.jpg"),
        ("name_5pts_score", "1.jpg " + "a " * 11, r"score\.txt, line 1: Expected a name and five points"),
    ],
)
def test_a_malformed_protocol_is_refused_by_file_and_line(file: str, content: str, message: str, ijb: Rewrite) -> None:
    with pytest.raises(DataError, match=message):
        read_trials(str(ijb(file, content)))


def test_missing_files_and_crops_are_refused(ijb: Rewrite, tmp_path: Path) -> None:
    folder = ijb()
    (folder / "loose_crop").rename(tmp_path / "crops")
    with pytest.raises(DataNotFoundError, match=r"none of the crops of ijbc exists below .*loose_crop'; set `root`"):
        read_trials(str(folder))
    assert read_trials(str(folder), root=str(tmp_path / "crops")).images[0].path.is_file()
    (folder / "meta" / "ijbc_template_pair_label.txt").unlink()
    with pytest.raises(DataNotFoundError, match=r"Expected one file \*_template_pair_label\.txt in meta, but got 0"):
        read_trials(str(folder), root=str(tmp_path / "crops"))
