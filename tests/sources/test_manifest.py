from pathlib import Path

import pytest

from froq_lightning.data.image_copies import WithCopies
from froq_lightning.data.image_refs import ImageRef
from froq_lightning.data.score_files import with_labels
from froq_lightning.errors import DataError
from froq_lightning.sources.source import read_faces


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two images, one of them deeper, among what is no image."""
    place = tmp_path / "faces"
    (place / "b").mkdir(parents=True)
    for name in ("c.JPG", "b/a.png", "notes.txt", ".hidden.jpg"):
        (place / name).touch()
    return place


def table(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_the_first_folder_on_the_way_to_an_image_tells_its_subject(folder: Path) -> None:
    for name in ("b/c/d.png", "=a/1.png", "+a/1.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    subjects = {image.key: image.subject for image in read_faces(folder).images}
    assert subjects == {"./+a/1.png": "+a", "./=a/1.png": "=a", "b/a.png": "b", "b/c/d.png": "b", "c.JPG": ""}


def test_copies_stand_behind_their_image_and_have_names_of_their_own(folder: Path) -> None:
    copied = WithCopies(read_faces(folder).images, 2)
    assert [image.copy for image in copied] == [0, 1, 2] * 2
    assert [image.key for image in copied][2:5] == ["b/a.png (copy 2)", "c.JPG", "c.JPG (copy 1)"]
    assert [image.subject for image in copied] == ["b"] * 3 + [""] * 3
    rows = "\n".join(f"{image.key},{number}" for number, image in enumerate(copied))
    labels = table(folder / "labels.csv", f"image,pseudo_quality\n{rows}\n")
    assert [image.pseudo_quality for image in with_labels(copied, labels)] == [0, 1, 2, 3, 4, 5]


def test_copies_that_could_be_taken_for_something_else_are_refused(folder: Path) -> None:
    images = read_faces(folder).images
    with pytest.raises(DataError, match="no image to be named as the copy of another"):
        WithCopies([*images, ImageRef("c.JPG (copy 1)", folder)], 1)
    labelled = read_faces(table(folder / "list.csv", "path,pseudo_quality\nc.JPG,0.25\n")).images
    with pytest.raises(DataError, match=r"Expected images without labels for copies .*; give labels of both as data"):
        WithCopies(labelled, 1)


def test_a_manifest_gives_its_rows_in_its_order_with_labels(folder: Path) -> None:
    manifest = table(folder / "list.csv", "path,pseudo_quality,more\nc.JPG,0.25,x\nb/a.png,-1e-2,y\nd.jpg,inf,z\n")
    first, second, third = read_faces(manifest).images
    assert (first.key, first.pseudo_quality, first.path) == ("c.JPG", 0.25, folder / "c.JPG")
    assert (second.key, second.pseudo_quality, second.problem) == ("b/a.png", -0.01, "")
    assert (third.key, third.problem) == ("d.jpg", "label 'inf' is no finite number")


@pytest.mark.parametrize("root", [".", "../faces", "b/.."])
def test_a_root_relative_to_where_one_is_confines_as_well(
    root: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    manifest = table(folder / "list.csv", f"path\nc.JPG\n{folder / 'b' / 'a.png'}\n../faces/c.JPG\n../secret.jpg\n")
    problems = [image.problem for image in read_faces(manifest, root).images]
    assert problems == ["", "", "", f"lies outside of {str(Path(root))!r}"]


def test_a_manifest_that_leads_out_of_the_root_with_every_row_is_refused(folder: Path) -> None:
    manifest = table(folder / "list.csv", "path,pseudo_quality\n/etc/a.jpg,1\n../b.jpg,bad\n")
    with pytest.raises(DataError, match=r"every path in list\.csv lies outside of the root '.*faces'"):
        read_faces(manifest, folder)
    assert [image.path for image in read_faces(manifest).images] == [Path("/etc/a.jpg"), folder / ".." / "b.jpg"]


def test_a_list_of_paths_needs_no_header(folder: Path) -> None:
    (folder / "my face.jpg").touch()
    listed = table(folder / "list.txt", f"my face.jpg\n{folder / 'c.JPG'}\nb\\a.png\n")
    names = ("my face.jpg", "c.JPG", "b/a.png")
    assert [image.path for image in read_faces(listed).images] == [folder / name for name in names]
    with pytest.raises(DataError, match=r"list\.txt, line 2: Expected 1 cells as in line 1, but got 2"):
        read_faces(table(folder / "list.txt", "c.JPG\nb/a.png,1\n"))


@pytest.mark.parametrize("name", ["-1.png", "=a.png", r"looks\x0alike.png", "two\nlines.png", ";+a.png"])
def test_labels_may_name_an_image_as_outputs_do_or_as_the_disk_does(name: str, tmp_path: Path) -> None:
    (tmp_path / name).touch()
    for number, stated in enumerate((name, read_faces(tmp_path).images[0].key)):
        labels = table(tmp_path / "labels.csv", f'path,pseudo_quality\n"{stated}",{number}\ngone\\x0a.png,1\n')
        found, gone = with_labels(read_faces(tmp_path).images, labels)
        assert (found.path, found.pseudo_quality, found.problem) == (tmp_path / name, number, "")
        assert gone.key == r"gone\x0a.png"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path\nc.JPG\n", r"labels\.csv has no column pseudo_quality"),
        ("path,pseudo_quality\nother/d.JPG,1\n", r"none of the 1 paths in labels\.csv is an image of the source"),
    ],
)
def test_labels_that_fit_nothing_are_refused(text: str, message: str, folder: Path) -> None:
    with pytest.raises(DataError, match=message):
        with_labels(read_faces(folder).images, table(folder / "labels.csv", text))


def test_a_manifest_may_name_subjects_and_its_labels_may_be_left_aside(folder: Path) -> None:
    manifest = table(folder / "list.csv", "path,subject_id,pseudo_quality\nc.JPG,ann,bad\nb/a.png,,1\n")
    assert [image.subject for image in read_faces(manifest).images] == ["ann", ""]
    unlabelled = read_faces(manifest, with_labels=False).images
    assert {(image.pseudo_quality, image.problem) for image in unlabelled} == {(None, "")}


def test_an_image_under_any_name_is_a_source(crops: list, tmp_path: Path) -> None:
    for name in ("subject01.happy", "face"):
        (tmp_path / name).write_bytes(crops[0].content)
        assert [image.key for image in read_faces(tmp_path / name).images] == [name]


def test_a_folder_without_images_is_refused_with_what_is_in_it(folder: Path) -> None:
    (folder / "c.JPG").rename(folder / "c.mov")
    (folder / "b" / "a.png").unlink()
    message = r"'.*faces' holds no images, but 2 files not read as images \(\.mov 1, such as c\.mov; \.txt 1, .*\); "
    with pytest.raises(DataError, match=message):
        read_faces(folder)
