from pathlib import Path

import pytest

from froq_lightning.sources.folder import FolderSearch


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The folder to search."""
    folder = tmp_path / "place"
    folder.mkdir()
    return folder


def search() -> tuple[list[str], str]:
    """Search it: the images by their keys, and what was passed over."""
    search = FolderSearch(Path("place"))
    return sorted(search.names()), search.passed_over


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_suffixes_of_images_are_known_in_any_case(place: Path) -> None:
    names = ["a.JFIF", "b.jpe", "c.Gif", "d.HEIC", "e.hif", "f.avif", "g.pgm", "h.jpeg"]
    touch(place, *names)
    assert search() == (names, "")


def test_what_is_no_image_is_counted_by_suffix_with_an_example(place: Path) -> None:
    touch(place, "a.jpg", "z.txt", "sub/notes.txt", "clip.MP4", "a.jp2", "README", "x.bz2", "x.doc", "x.zip")
    keys, passed_over = search()
    assert keys == ["a.jpg"]
    assert passed_over == (
        "8 files not read as images (.txt 2, such as sub/notes.txt; no suffix 1, such as README; "
        ".bz2 1, such as x.bz2; .doc 1, such as x.doc; .jp2 1, such as a.jp2; 2 more kinds)"
    )


def test_hidden_files_and_those_of_systems_are_not_worth_a_word(place: Path) -> None:
    touch(place, "a.png", ".DS_Store", "._a.png", ".hidden.txt", "Thumbs.db", "sub/desktop.ini")
    assert search() == (["a.png"], "")


def test_a_name_from_a_stranger_breaks_no_line(place: Path) -> None:
    touch(place, "a.png", "x.t\x1b[2Jt", "two\nlines.txt")
    assert search()[1].isprintable()


@pytest.mark.parametrize("image", ["a.jpg", "a"])
def test_files_without_a_suffix_are_told_by_their_first_bytes(image: str, crops: list, place: Path) -> None:
    (place / image).write_bytes(crops[0].content)
    (place / "LICENSE").write_text("BMW and PNG are marks")
    (place / "empty").touch()
    assert search() == ([image], "2 files not read as images (no suffix 2, such as LICENSE)")


def test_links_to_folders_and_to_files_are_followed(place: Path, tmp_path: Path) -> None:
    touch(tmp_path, "ann/1.jpg", "ann/deep/2.jpg", "bob/1.jpg", "3.jpg")
    for name in ("ann", "bob", "3.jpg"):
        (place / name).symlink_to(tmp_path / name)
    (place / "gone.jpg").symlink_to(tmp_path / "gone.jpg")
    assert search() == (["3.jpg", "ann/1.jpg", "ann/deep/2.jpg", "bob/1.jpg", "gone.jpg"], "")


@pytest.mark.parametrize("target", [".", "..", "../..", "/", "sub"])
def test_links_that_lead_back_are_passed_over_and_told(target: str, place: Path) -> None:
    touch(place, "a.jpg", "sub/b.jpg")
    (place / "again").symlink_to(target)
    passed_over = "1 link to a folder above or searched already, such as again"
    assert search() == (["a.jpg", "sub/b.jpg"], passed_over)


def test_links_among_folders_outside_end_too(place: Path, tmp_path: Path) -> None:
    for name in "abcdefghij":
        touch(tmp_path, f"{name}/{name}.jpg")
        for other in "abcdefghij":
            (tmp_path / name / f"to_{other}").symlink_to(tmp_path / other)
    (place / "in").symlink_to(tmp_path / "a")
    keys, passed_over = search()
    assert sorted(Path(key).name for key in keys) == [f"{name}.jpg" for name in "abcdefghij"]
    assert passed_over.startswith("91 links to folders above or searched already, such as in/to_a")


def test_a_folder_that_two_links_lead_to_is_found_by_the_first(place: Path, tmp_path: Path) -> None:
    touch(tmp_path, "ann/1.jpg")
    for name in ("z", "m"):
        (place / name).symlink_to(tmp_path / "ann")
    assert search() == (["m/1.jpg"], "1 link to a folder above or searched already, such as z")
