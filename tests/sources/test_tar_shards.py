import io
import json
import pickle
import shutil
import sqlite3
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tar_files import header, write_tar

from froq_lightning.data.image_refs import ImageRef
from froq_lightning.errors import DataError, DataNotFoundError, ImageError
from froq_lightning.sources.source import read_faces, read_trials

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a tar file into a folder of its own."""
    return lambda name, entries: write_tar(tmp_path / name, entries)


def read(image: ImageRef) -> np.ndarray:
    return image.archive.read(image.position)[0]


KEYS = [f"faces-{number // 4}/{number:03}.jpg" for number in range(12)]


@pytest.mark.parametrize(
    "spelling", ["", "/faces-{0..2}.tar", "/faces-{0,1,2}.tar", "/faces-?.tar", "/faces-{0..1}.tar::FOLDER/faces-2.tar"]
)
def test_however_shards_are_named_every_image_comes_once(spelling: str, tar_folder: Path, crops: list) -> None:
    images = read_faces(f"{tar_folder}{spelling.replace('FOLDER', str(tar_folder))}").images
    assert [image.key for image in images] == KEYS
    for image, crop in zip(images, crops, strict=True):
        np.testing.assert_array_equal(read(image), crop.pixels)
        assert image.subject == crop.subject
    assert [images[place].key for place in (-1, 4, 0)] == [KEYS[11], KEYS[4], KEYS[0]]
    sent = pickle.loads(pickle.dumps(images))  # noqa: S301 - as a worker process receives them
    assert [image.key for image in sent] == KEYS


def test_one_tar_file_and_its_trials(tar_folder: Path) -> None:
    assert [image.key for image in read_faces(tar_folder / "faces-1.tar").images] == KEYS[4:8]
    trials = read_trials(str(tar_folder))
    assert (trials.name, trials.note) == ("shards", "all 12 mated trials, all 54 non-mated trials (seed 0)")


@pytest.mark.parametrize(
    ("entries", "subjects"),
    [
        ({"a.cls": b"7\n", "a.jpg": b"", "b.jpg": b"", "b.cls": b"8"}, ["7", "8"]),
        ({"a.jpg": b"", "a.json": b'{"label": 3, "age": 9}', "b.jpg": b""}, ["3", ""]),
        ({"p/a.jpg": b"", "q/a.jpg": b"", "q/a.cls": b"1"}, ["p", "1"]),
        ({"a.0.jpg": b"", "a.1.jpg": b"", "a.cls": b"x"}, ["x", "x"]),
        ({"a.jpg": b"", "a.json": b"[" * 10**4, "b.jpg": b"", "b.json": b"[1]"}, ["", ""]),
    ],
)
def test_the_entries_of_a_sample_tell_its_subject(entries: dict, subjects: list[str], write: Write) -> None:
    assert [image.subject for image in read_faces(write("a.tar", entries)).images] == subjects


def test_what_cannot_be_read_is_a_row_with_a_reason(write: Write, crops: list) -> None:
    content = crops[0].content
    entries = {
        "./good.jpg": content,
        "link.jpg": header(tarfile.SYMTYPE, "/etc/passwd"),
        "hard.jpg": header(tarfile.LNKTYPE, "good.jpg"),
        "pipe.jpg": header(tarfile.FIFOTYPE),
        "../up.jpg": content,
        "/etc/root.jpg": content,
        "=1+1.jpg": content,
        "\x1b[2J.jpg": b"no image",
        "empty.jpg": b"",
        "\udcff.png": content,
    }
    images = read_faces(write("a.tar", entries)).images
    assert [(image.key, image.problem) for image in images] == [
        ("a/good.jpg", ""),
        ("a/link.jpg", "entry is a link"),
        ("a/hard.jpg", "entry is a link"),
        ("a/pipe.jpg", "entry is no file"),
        ("a/../up.jpg", "its name leads out of the tar file"),
        ("a//etc/root.jpg", "its name leads out of the tar file"),
        ("a/=1+1.jpg", ""),
        ("a/\\x1b[2J.jpg", ""),
        ("a/empty.jpg", ""),
        ("a/\\udcff.png", ""),
    ]
    for place, reason in ((7, "entry is no image"), (8, "entry is empty")):
        with pytest.raises(ImageError, match=reason):
            read(images[place])
    np.testing.assert_array_equal(read(images[9]), crops[0].pixels)


def test_other_entries_are_counted_and_hidden_ones_are_not(write: Write) -> None:
    entries = {"a.jpg": b"", "b.txt": b"", "c.txt": b"", "README": b"", "._a.jpg": b"", "d": header(tarfile.DIRTYPE)}
    faces = read_faces(write("a.tar", entries))
    assert [image.key for image in faces.images] == ["a/a.jpg"]
    assert faces.passed_over == (
        "3 entries not read as images (.txt 2, such as a/b.txt; no suffix 1, such as a/README)"
    )


@pytest.mark.parametrize("name", ["a.tar.gz", "a.tgz", "a.tar.zst"])
def test_compressed_tar_files_are_refused_with_a_hint(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"\x1f\x8b")
    with pytest.raises(DataError, match=f"Expected {name} to be a plain tar file.* unpack it to .tar"):
        read_faces(tmp_path / name)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("nothing.tar", r"file 'nothing\.tar' does not exist"),
        ("nothing-*.tar", "no file is meant by"),
        ("a-{0..9999999}.tar", "to name 1 to 1,000,000 files, but got 10,000,000"),
        ("a-{0..999}{0..999}{0..999}.tar", "to name 1 to 1,000,000 files, but got 1,000,000,000"),
        ("a-{9..0}.tar", "to name 1 to 1,000,000 files, but got 0"),
        ("a.tar::a.tar", "a.tar is named twice"),
    ],
)
def test_patterns_that_mean_nothing_or_too_much_are_refused(pattern: str, message: str, tmp_path: Path) -> None:
    with pytest.raises((DataError, DataNotFoundError), match=message):
        read_faces(tmp_path / pattern)


def test_a_name_that_a_shard_holds_twice_is_refused(write: Write) -> None:
    path = write("a.tar", {"a.jpg": b"", "./a.jpg": b""})
    with pytest.raises(DataError, match=r"Expected a\.tar to hold every name once, but got 'a/a\.jpg' twice"):
        read_faces(path)


def test_shards_that_would_name_their_images_alike_are_refused(write: Write, tmp_path: Path) -> None:
    for name in ("a.tar", "a.TAR"):
        write(name, {"0.jpg": b""})
    with pytest.raises(DataError, match=r"Expected files with names of their own, .* but got 'a' twice"):
        read_faces(tmp_path)


@pytest.mark.parametrize(
    ("entries", "subject"),
    [
        ({"p\udcff/0.jpg": b""}, r"p\udcff"),
        ({"0.jpg": b"", "0.json": b'{"subject": "\\ud800"}'}, r"\ud800"),
        ({"0.jpg": b"", "0.cls": b"\xff"}, "\ufffd"),
    ],
)
def test_a_subject_may_be_no_utf8(entries: dict, subject: str, write: Write, tmp_path: Path) -> None:
    assert [image.subject for image in read_faces(write("a.tar", entries), scratch=tmp_path).images] == [subject]


def test_the_index_is_made_once_and_never_used_for_a_changed_file(
    tar_folder: Path, tmp_path: Path, crops: list
) -> None:
    shutil.copytree(tar_folder, tmp_path / "shards")
    path = tmp_path / "shards" / "faces-1.tar"
    old = read_faces(tmp_path / "shards", scratch=tmp_path).images
    indexes = tmp_path / "froq_indexes"
    (made,) = indexes.iterdir()
    before = made.stat().st_mtime_ns
    assert read_faces(tmp_path / "shards", scratch=tmp_path).images[5].key == KEYS[5]
    assert [each.stat().st_mtime_ns for each in indexes.iterdir()] == [before]
    with tarfile.open(path, "w") as tar:
        tar.add(crops[0].path, "000.jpg")
    images = read_faces(tmp_path / "shards", scratch=tmp_path).images
    assert [image.key for image in images] == [*KEYS[:4], "faces-1/000.jpg", *KEYS[8:]]
    np.testing.assert_array_equal(read(images[4]), crops[0].pixels)
    with pytest.raises(ImageError, match=r"faces-1\.tar has changed since the run began"):
        read(old[5])


def test_a_damaged_index_is_refused_by_name(tar_folder: Path, tmp_path: Path) -> None:
    read_faces(tar_folder, scratch=tmp_path)
    (made,) = (tmp_path / "froq_indexes").iterdir()
    made.write_bytes(b"no index" * 100)
    with pytest.raises(DataError, match=rf"the index '.*{made.name}' cannot be used: .*; delete it"):
        read_faces(tar_folder, scratch=tmp_path)


def test_an_index_that_was_broken_off_goes_on_behind_the_last_shard(tar_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(tar_folder, tmp_path / "shards")
    last = tmp_path / "shards" / "faces-2.tar"
    whole = last.read_bytes()
    last.write_bytes(whole[:2000])
    with pytest.raises(DataError, match=r"faces-2\.tar is cut off"):
        read_faces(tmp_path / "shards", scratch=tmp_path)
    (made,) = (tmp_path / "froq_indexes").iterdir()
    with sqlite3.connect(made) as base:
        assert base.execute("SELECT count(*), max(shard) FROM images").fetchone() == (8, 1)
    base.close()


def test_a_folder_with_images_is_a_folder_of_images(tar_folder: Path, tmp_path: Path, crops: list) -> None:
    shutil.copytree(tar_folder, tmp_path / "mixed")
    shutil.copy(crops[0].path, tmp_path / "mixed" / "a.jpg")
    faces = read_faces(tmp_path / "mixed")
    assert [image.key for image in faces.images] == ["a.jpg"]
    assert "3 files not read as images (.tar 3" in faces.passed_over


NAMES = st.lists(st.text("ab./\u00e9\U0001f600 =\\", min_size=1, max_size=120), unique=True, max_size=12)


@settings(max_examples=40, deadline=None)
@given(names=NAMES, kind=st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]), size=st.integers(0, 3000))
def test_every_image_in_a_tar_file_is_listed_where_it_stands(
    names: list[str], kind: int, size: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("tar")
    path = folder / "a.tar"
    contents = {f"{number}{name}.jpg": bytes([number]) * (size + number) for number, name in enumerate(names, start=1)}
    with tarfile.open(path, "w", format=kind) as file:
        for name, content in contents.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            file.addfile(entry, io.BytesIO(content))
        file.addfile(tarfile.TarInfo("last.jpg"))
    whole = path.read_bytes()
    images = [image for image in read_faces(path, scratch=folder).images if not image.problem]
    visible = [name for name in contents if ".." not in Path(name).parts and not Path(name).name.startswith(".")]
    found = [whole[image.position : image.position + image.archive.length] for image in images]
    assert found == [*(contents[name] for name in visible), b""]


def test_labels_in_json_may_be_long_but_not_endless(write: Write) -> None:
    long = json.dumps({"subject_id": "a", "rest": "x" * 70_000}).encode()
    images = read_faces(write("a.tar", {"a.jpg": b"", "a.json": long})).images
    assert [image.subject for image in images] == [""]
