"""Tar files that are damaged, or made to do harm."""

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tar_files import header, write_tar

from froq_lightning.errors import DataError, ImageError
from froq_lightning.sources.source import read_faces


def test_a_sparse_entry_is_a_reason(tmp_path: Path) -> None:
    sparse = tarfile.TarInfo("holes.jpg")
    sparse.pax_headers = {
        "GNU.sparse.major": "0",
        "GNU.sparse.minor": "1",
        "GNU.sparse.map": "0,4",
        "GNU.sparse.size": "9",
    }
    with tarfile.open(tmp_path / "a.tar", "w", format=tarfile.PAX_FORMAT) as file:
        sparse.size = 4
        file.addfile(sparse, io.BytesIO(b"abcd"))
    assert [image.problem for image in read_faces(tmp_path / "a.tar").images] == ["entry is sparse"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content[:-9000], r"a\.tar is (cut off: 'b\.jpg' should end at byte|damaged or cut off)"),
        (lambda content: content[:700], r"a\.tar is cut off: 'a\.jpg' should end at byte 5,512, but .* has 700"),
        (lambda content: content[:5700] + b"x" + content[5701:], "a.tar is damaged or cut off at byte 5,632"),
        (lambda _: b"", "a.tar is empty"),
        (lambda _: b"x" * 600, "a.tar is no tar file, or damaged behind byte 0"),
        (lambda _: b"\x1f\x8b" + bytes(600), "Expected a.tar to be a plain tar file, but got a compressed one"),
        (lambda _: bytes(1024), "a.tar holds no images; images end in"),
    ],
)
def test_a_damaged_tar_file_is_refused(change: Callable[[bytes], bytes], message: str, tmp_path: Path) -> None:
    path = write_tar(tmp_path / "a.tar", {"a.jpg": b"x" * 5000, "b.jpg": b"y" * 5000})
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(DataError, match=message):
        read_faces(path, scratch=tmp_path / "run")


@pytest.mark.parametrize("gap", [512, 10240, 2**21])
def test_entries_behind_the_end_are_not_left_out_in_silence(gap: int, tmp_path: Path) -> None:
    path = write_tar(tmp_path / "a.tar", {"a.jpg": b"x" * 500})
    first, end = path.read_bytes(), 1024
    path.write_bytes(first[:end] + bytes(gap) + first)
    with pytest.raises(DataError, match=r"a\.tar goes on behind its end at byte 1,024: it may be several tar files"):
        read_faces(path, scratch=tmp_path / "run")
    path.write_bytes(first[:end] + bytes(gap))
    assert len(read_faces(path, scratch=tmp_path / "run").images) == 1


@pytest.mark.parametrize("size", [2**40, 2**62, -512])
@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_SPARSE])
def test_absurd_sizes_are_refused_before_anything_is_read(size: int, kind: bytes, tmp_path: Path) -> None:
    stated = header(kind, size=size)
    (tmp_path / "a.tar").write_bytes(stated.tobuf(tarfile.GNU_FORMAT) + bytes(2048))
    with pytest.raises(DataError, match=r"a\.tar (is damaged|is cut off|is no tar file|holds no images)"):
        read_faces(tmp_path / "a.tar")


def test_an_entry_of_gigabytes_is_a_reason_and_is_not_read(tmp_path: Path) -> None:
    size = 2**33
    with (tmp_path / "a.tar").open("wb") as file:
        entry = header(tarfile.REGTYPE, size=size)
        entry.name = "large.jpg"
        file.write(entry.tobuf(tarfile.GNU_FORMAT))
        file.truncate(512 + size + 1024)
    images = read_faces(tmp_path / "a.tar", scratch=tmp_path).images
    with pytest.raises(ImageError, match=r"file has more than \d+ megabytes"):
        images[0].archive.read(images[0].position)
