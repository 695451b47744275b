import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from froq_lightning.data.image_refs import RefTable
from froq_lightning.errors import DataError, ImageError
from froq_lightning.sources.source import read_faces, read_trials

MAGIC = struct.pack("<I", 0xCED7230A)


def frame(kind: int, content: bytes) -> bytes:
    return MAGIC + struct.pack("<I", kind << 29 | len(content)) + content + b"\0" * (-len(content) % 4)


def framed(content: bytes) -> bytes:
    """Frame a record; where it holds the magic number at a multiple of four, it is split there."""
    cuts = [place for place in range(0, len(content) - 3, 4) if content[place : place + 4] == MAGIC]
    starts, ends = [0, *(cut + 4 for cut in cuts)], [*cuts, len(content)]
    frames = []
    for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
        part = content[start:end]
        kind = 0 if not cuts else 1 if number == 0 else 3 if number == len(cuts) else 2
        frames.append(frame(kind, part))
    return b"".join(frames)


def packed(number: int, labels: Sequence[float], image: bytes = b"") -> bytes:
    """Pack a record as MXNet does: one label stands in the header, several follow it."""
    if len(labels) == 1:
        return framed(struct.pack("<IfQQ", 0, labels[0], number, 0) + image)
    head = struct.pack("<IfQQ", len(labels), 0.0, number, 0)
    return framed(head + np.array(labels, dtype=np.float32).tobytes() + image)


def write_records(path: Path, records: Sequence[tuple[int, bytes]], *, index: bool = True) -> Path:
    """Write records (key, bytes) into a .rec file, and their offsets into an .idx file."""
    content, lines = b"", []
    for key, record in records:
        lines.append(f"{key}\t{len(content)}\n")
        content += record
    path.write_bytes(content)
    if index:
        path.with_suffix(".idx").write_text("".join(lines))
    return path


def read(path: Path, place: int) -> np.ndarray:
    image = read_faces(path).images[place]
    return image.archive.read(image.position)[0]


@pytest.mark.parametrize("index", [True, False])
def test_the_images_of_insightface_come_without_the_records_of_ranges(
    index: bool, rec_file: Path, crops: list, tmp_path: Path
) -> None:
    path = tmp_path / "train.rec"
    path.symlink_to(rec_file)
    if index:
        path.with_suffix(".idx").symlink_to(rec_file.with_suffix(".idx"))
    images = read_faces(path).images
    assert isinstance(images, RefTable)
    assert [image.key for image in images] == [str(number) for number in range(1, 13)]
    for place, crop in enumerate(crops):
        np.testing.assert_array_equal(read(path, place), crop.pixels)


def test_an_index_gives_the_order_whatever_that_of_the_file(crops: list, tmp_path: Path) -> None:
    shuffled = [(9, 2), (4, 0), (7, 1)]
    path = write_records(tmp_path / "a.rec", [(key, packed(key, (0,), crops[n].content)) for key, n in shuffled])
    assert [image.key for image in read_faces(path).images] == ["4", "7", "9"]
    for place in range(3):
        np.testing.assert_array_equal(read(path, place), crops[place].pixels)


@pytest.mark.parametrize("index", [True, False])
@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_record_that_holds_the_magic_number_is_put_together(
    times: int, index: bool, crops: list, tmp_path: Path
) -> None:
    content = crops[0].content
    # A JPEG ends where it says: what follows does not change the picture.
    content += b"\0" * (-len(content) % 4) + MAGIC * times + b"tail"
    records = [(1, packed(1, (0,), content)), (2, packed(2, (0,), crops[1].content))]
    assert records[0][1].count(MAGIC) == 1 + times
    path = write_records(tmp_path / "a.rec", records, index=index)
    np.testing.assert_array_equal(read(path, 0), crops[0].pixels)
    np.testing.assert_array_equal(read(path, 1), crops[1].pixels)


@pytest.mark.parametrize("ids", [(0, 0), (5, 2**64 - 1)])
def test_ids_that_repeat_or_have_more_than_63_bits_are_no_keys(
    ids: tuple[int, int], crops: list, tmp_path: Path
) -> None:
    records = [(key, packed(key, (0,), crop.content)) for key, crop in zip(ids, crops, strict=False)]
    path = write_records(tmp_path / "a.rec", records, index=False)
    assert [image.key for image in read_faces(path).images] == ["0", "1"]


def test_the_labels_tell_the_subjects(rec_file: Path, crops: list) -> None:
    trials = read_trials(str(rec_file))
    assert (trials.name, trials.note) == ("train", "all 12 mated trials, all 54 non-mated trials (seed 0)")
    subjects = [crop.subject for crop in crops]
    same = [subjects[a] == subjects[b] for a, b in zip(trials.first, trials.second, strict=True)]
    assert same == trials.mated.tolist()


def test_the_images_know_their_subjects_where_these_are_wanted(rec_file: Path, bin_file: Path, crops: list) -> None:
    images = read_faces(rec_file, with_subjects=True).images
    assert len({(image.subject, crop.subject) for image, crop in zip(images, crops, strict=True)}) == 4
    assert len({image.subject for image in images}) == 4
    assert {image.subject for image in read_faces(bin_file, with_subjects=True).images} == {""}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1\t0\n2\n", r"Expected every line of a\.idx to be a key and an offset, but got another one"),
        ("1\tx\n", r"Expected every line of a\.idx to be a key and an offset"),
        ("1\t-4\n", r"Expected every line of a\.idx to be a key and an offset"),
        ("", r"Expected every line of a\.idx to be a key and an offset"),
        ("1\t99999999\n", r"a\.idx is of another file: it names byte 99,999,999 of"),
    ],
)
def test_a_malformed_index_is_refused(text: str, message: str, crops: list, tmp_path: Path) -> None:
    path = write_records(tmp_path / "a.rec", [(1, packed(1, (0,), crops[0].content))])
    (tmp_path / "a.idx").write_text(text)
    with pytest.raises(DataError, match=message):
        read_faces(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no records at all", "Expected a record at byte 0, but got none; the file is no RecordIO, or damaged"),
        (MAGIC, "Expected a record at byte 0, but got none"),
        (frame(0, b"x" * 24)[:-8], "the record at byte 0 is cut off"),
        (frame(0, b"x" * 20), "the record at byte 0 has no header"),
        (frame(0, struct.pack("<IfQQ", 9, 0, 0, 0)), "the record at byte 0 is shorter than its 9 labels"),
        (frame(3, b"x" * 24), "Expected a whole record at byte 0, but got a part of one"),
        (frame(5, b"x" * 24), "Expected a whole record at byte 0, but got a part of one"),
        (frame(1, b"x" * 24) + frame(0, b"x" * 24), "Expected a whole record at byte 0, but got a part of one"),
        (frame(1, b"x" * 24), "Expected a record at byte 0, but got none"),
    ],
)
def test_a_damaged_file_is_refused_or_a_reason_of_its_record(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "a.rec"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_faces(path)
    if len(content) > 8 and "cut off" not in message:
        path.write_bytes(content + b"\0" * 48)
        (tmp_path / "a.idx").write_text("1\t0\n")
        with pytest.raises(ImageError, match=message):
            read(path, 0)


def test_a_record_without_an_image_and_a_file_that_shrank_are_reasons(crops: list, tmp_path: Path) -> None:
    records = [(1, packed(1, range(9))), (2, packed(2, (0,), crops[0].content))]
    path = write_records(tmp_path / "a.rec", records)
    with pytest.raises(ImageError, match="entry is empty"):
        read(path, 0)
    last = read_faces(path).images[1]
    path.write_bytes(records[0][1])
    with pytest.raises(ImageError, match=r"a\.rec ends before byte 68"):
        last.archive.read(last.position)
    path.unlink()
    with pytest.raises(ImageError, match=r"a\.rec is unreadable: No such file"):
        last.archive.read(last.position)


def test_a_file_without_images_is_refused(tmp_path: Path) -> None:
    path = write_records(tmp_path / "a.rec", [(0, packed(0, (1, 1)))])
    for reader in (read_faces, lambda path: read_trials(str(path))):
        with pytest.raises(DataError, match=r"a\.rec holds no images"):
            reader(path)


def test_millions_of_records_are_listed_without_millions_of_objects(tmp_path: Path) -> None:
    count, size = 1_000_000, 100
    with (tmp_path / "a.rec").open("wb") as file:
        file.truncate(count * size)
    offsets = np.arange(count) * size
    (tmp_path / "a.idx").write_text("".join(f"{n}\t{offset}\n" for n, offset in enumerate(offsets.tolist(), start=1)))
    images = read_faces(tmp_path / "a.rec").images
    assert (len(images), images[999_999].key, images[999_999].position) == (count, "1000000", 99_999_900)
    assert [image.key for image in images[5:8]] == ["6", "7", "8"]
