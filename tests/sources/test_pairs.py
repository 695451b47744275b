import os
import unicodedata
from pathlib import Path

import numpy as np
import pytest

from froq_lightning.errors import ConfigurationError, DataError, DataNotFoundError
from froq_lightning.sources.source import read_trials


@pytest.fixture(autouse=True)
def folder(tmp_path: Path) -> Path:
    """Empty files in the place of images."""
    place = tmp_path / "faces"
    place.mkdir()
    for name in "abcd":
        (place / f"{name}.jpg").touch()
    return place


def pairs(*rows: str) -> Path:
    path = Path.cwd() / "faces" / "pairs.csv"
    path.write_text("\n".join(("image_a,image_b,mated", *rows)) + "\n", encoding="utf-8")
    return path


def test_a_pairs_csv_gives_every_image_once_in_the_order_of_its_rows(folder: Path) -> None:
    read = read_trials(str(pairs("b.jpg,a.jpg,1", "", "a.jpg,c.jpg,0", "c.jpg,b.jpg,FALSE")))
    assert [image.key for image in read.images] == ["b.jpg", "a.jpg", "c.jpg"]
    assert read.images[1].path == folder / "a.jpg"
    assert (read.first.tolist(), read.second.tolist()) == ([0, 1, 2], [1, 2, 0])
    assert read.mated.tolist() == [True, False, False]
    assert (read.name, read.note) == ("pairs", "")


def test_trials_that_contradict_each_other_are_noted() -> None:
    read = read_trials(str(pairs("a.jpg,b.jpg,1", "b.jpg,c.jpg,1", "c.jpg,a.jpg,0", "a.jpg,d.jpg,0")))
    assert read.note == "1 non-mated trials contradict the mated ones (both sides show one subject)"


@pytest.mark.parametrize(("source", "images"), [("pairs.csv", 1671), ("pairs_cross_quality.csv", 3305)])
def test_the_folders_of_real_faces_tell_their_subjects(source: str, images: int, shared: Path) -> None:
    root = shared / "data" / "faces" if source == "pairs.csv" else None
    read = read_trials(str(shared / "data" / source), None if root is None else str(root))
    assert (len(read.images), len(read.mated), int(read.mated.sum())) == (images, 22_582, 2_582)
    names = np.array([image.key.split("/")[-2] for image in read.images])
    assert len(np.unique(read.subjects)) == 495
    np.testing.assert_array_equal(names[read.first] == names[read.second], read.mated)
    np.testing.assert_array_equal(read.subjects[read.first] == read.subjects[read.second], read.mated)
    assert all(image.path.is_file() for image in read.images[:20])


TRIALS = [("a.jpg", "b.jpg", True), ("a.jpg", "c.jpg", False)]


def trials(source: Path) -> list[tuple[str, str, bool]]:
    read = read_trials(str(source))
    keys = [image.key for image in read.images]
    assert all(image.path.is_file() for image in read.images)
    return [(keys[a], keys[b], bool(m)) for a, b, m in zip(read.first, read.second, read.mated, strict=True)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pairs.csv", "image_a, image_b, mated\na.jpg, b.jpg, 1\na.jpg , c.jpg , 0\n"),
        ("pairs.txt", "Mated;Image A;IMAGE_B;;\nYes;a.jpg;b.jpg;;\nNo;a.jpg;c.jpg;;\n;;;;\n"),
        ("pairs.tsv", "image_a\timage_b\tissame\r\na.jpg\tb.jpg\tTRUE\r\na.jpg\tc.jpg\tFALSE\r\n"),
        ("pairs.txt", "image_a image_b  mated\na.jpg b.jpg 1\na.jpg c.jpg  0\n"),
        ("pairs.csv", "image_1,image_2,label\na.jpg,b.jpg,1\na.jpg,c.jpg,-1\n"),
        ("pairs.csv", "same;path2;path1\n1;b.jpg;a.jpg\n0;c.jpg;a.jpg\n"),
        ("pairs.tsv", "File A\tFile B\tis_same\na.jpg\tb.jpg\tTrue\na.jpg\tc.jpg\tFalse\n"),
        ("pairs.csv", "a.jpg,b.jpg,genuine\na.jpg,c.jpg,impostor\n"),
        ("pairs.txt", "a.jpg b.jpg 1\n\na.jpg   c.jpg 0"),
        ("pairs.txt", "a.jpg\tb.jpg\tsame\na.jpg\tc.jpg\tdiff\n"),
        ("pairs.lst.txt", ".\\a.jpg; ./b.jpg; mated\na.jpg;c.jpg;Non-Mated\n"),
        ("pairs_CPLFW.txt", "a.jpg 1\nb.jpg 1\na.jpg 0\nc.jpg 0\n"),
        ("pairs_CALFW.csv", "a.jpg,7\nb.jpg,7\n\na.jpg,0\nc.jpg,0\n"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_pairs_are_told_by_their_content(name: str, text: str, encoding: str, folder: Path) -> None:
    (folder / name).write_bytes(text.encode(encoding))
    assert [tuple(map(_plain, trial)) for trial in trials(folder / name)] == TRIALS


def _plain(cell: str | bool) -> str | bool:
    return cell.removeprefix("./") if isinstance(cell, str) else cell


def test_an_image_is_opened_however_its_name_is_spelled_and_is_one_image(folder: Path) -> None:
    composed, apart = (unicodedata.normalize(form, "é") for form in ("NFC", "NFD"))
    (folder / apart).mkdir()
    (folder / apart / "a.jpg").touch()
    names = (f"{apart}/a.jpg", f"{composed}/a.jpg", f"{composed}\\a.jpg", f".\\{apart}\\a.jpg")
    (folder / "pairs.csv").write_text("".join(f"{name},b.jpg,0\n" for name in names) + "b.jpg,c.jpg,1\n")
    read = read_trials(str(folder / "pairs.csv"))
    assert [image.path for image in read.images] == [folder / name for name in (f"{apart}/a.jpg", "b.jpg", "c.jpg")]
    assert read.first.tolist() == [0, 0, 0, 0, 1]


def test_a_backslash_leads_out_of_the_root_no_more_than_a_slash(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.jpg").touch()
    (folder / "pairs.csv").write_text("image_a,image_b,mated\n..\\secret.jpg,a.jpg,1\n")
    image = read_trials(str(folder / "pairs.csv"), root=str(folder)).images[0]
    assert (image.key, image.problem) == ("../secret.jpg", f"lies outside of {str(folder)!r}")


def test_images_that_all_lie_outside_of_the_root_are_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    source = pairs(f"{folder / 'a.jpg'},../faces/b.jpg,1")
    assert len(read_trials(str(source)).images) == 2
    with pytest.raises(DataNotFoundError, match=r"none of the 2 images of pairs exists below .*root"):
        read_trials(str(source), root=str(tmp_path / "root"))


def test_folders_of_subjects_are_compared(shared: Path) -> None:
    read = read_trials(str(shared / "data" / "faces"), name="LFW crops", non_mated=500, seed=3)
    assert read.name == "LFW crops"
    assert read.note == "all 2,582 mated trials, 500 of 1,392,703 non-mated trials sampled (seed 3)"
    names = [image.key.split("/")[0] for image in read.images]
    assert all((names[a] == names[b]) == m for a, b, m in zip(read.first, read.second, read.mated, strict=True))


def test_the_subjects_of_a_manifest_are_compared(folder: Path) -> None:
    manifest = folder / "list.csv"
    manifest.write_text("path,subject_id,pseudo_quality\na.jpg,7,bad\nb.jpg,7,1\nc.jpg,8,1\n")
    read = read_trials(str(manifest))
    assert {(image.pseudo_quality, image.problem) for image in read.images} == {(None, "")}
    assert read.mated.tolist() == [True, False, False]
    assert read.note == "all 1 mated trials, all 2 non-mated trials (seed 0)"
    manifest.write_text("path,subject_id\na.jpg,7\nb.jpg,\n")
    with pytest.raises(
        DataError, match=r"Expected list to tell the subject of every image, .* but got none for 'b\.jpg'"
    ):
        read_trials(str(manifest))


def test_a_part_is_refused_where_there_is_none() -> None:
    with pytest.raises(
        ConfigurationError, match=r"Expected no `part` 'FF': pairs\.csv \(pairs of images .*\) has no parts"
    ):
        read_trials(str(pairs("a.jpg,b.jpg,1")), part="FF")


def test_the_name_of_a_set_is_harmless_whatever_its_folder_is_called(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"=caf\xe9\x1b[31m")
    for name in ("ann/1.jpg", "ann/2.jpg", "bob/1.jpg"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    assert read_trials(str(folder)).name == r"'=caf\udce9\x1b[31m"
    assert read_trials(str(folder), name="two\nlines").name == r"two\x0alines"
