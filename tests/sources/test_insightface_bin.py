import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from froq_lightning.errors import DataError, ImageError
from froq_lightning.sources.insightface_bin import BinFile
from froq_lightning.sources.source import read_faces, read_trials

CUT = b"the first bytes of a crop"


def write(value: Any, protocol: int = 4) -> Path:
    path = Path("set.bin")
    path.write_bytes(pickle.dumps(value, protocol=protocol))
    return path


def read(path: Path, position: int) -> np.ndarray:
    image = read_faces(path).images[position]
    return image.archive.read(image.position)[0]


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("stated", [list, tuple, np.array, lambda mated: [np.bool_(each) for each in mated]])
@pytest.mark.parametrize(
    "stored",
    [
        lambda crop: crop.content,
        lambda crop: bytearray(crop.content),
        lambda crop: np.frombuffer(crop.content, dtype=np.uint8),
        lambda crop: crop.pixels,
        lambda crop: np.asfortranarray(crop.pixels),
    ],
)
def test_images_may_be_bytes_or_arrays_of_any_pickle_protocol(
    stored: Callable, stated: Callable, protocol: int, paired: tuple
) -> None:
    members, mated = paired[0][:4], paired[1][:2]
    path = write(([stored(crop) for crop in members], stated(mated)), protocol)
    assert read_trials(str(path)).mated.tolist() == mated
    np.testing.assert_array_equal(read(path, 3), members[3].pixels)


def test_a_file_that_python_2_wrote_is_read(paired: tuple, tmp_path: Path) -> None:
    strings = b"".join(b"T" + struct.pack("<i", len(crop.content)) + crop.content for crop in paired[0][:2])
    (tmp_path / "old.bin").write_bytes(b"\x80\x02](" + strings + b"e](\x88e\x86.")
    np.testing.assert_array_equal(read(tmp_path / "old.bin", 1), paired[0][1].pixels)
    with pytest.raises(DataError, match="is no pickle, or damaged"):
        read_faces(write_cut(tmp_path / "old.bin"))


def write_cut(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[:-900])
    return path


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (7, "Expected set.bin to be a list of images and a list of booleans, but got another"),
        ([[b"a", b"b"], True], "Expected set.bin to be a list of images and a list of booleans, but got another"),
        ([[b"a", 5], [True]], "set.bin: Expected image 1 to be bytes, but got int"),
        ([[b"a", b"b"], np.ones((1, 2), bool)], "Expected set.bin to say of every trial by a boolean"),
        ([[b"a", b"b", b"c"], [True]], "Expected set.bin to hold two images per trial, but got 3 and 1"),
        ([[], []], "set.bin holds no images"),
    ],
)
def test_another_structure_is_refused(value: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_faces(write(value))


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (b"no image", "entry is no image of a known format, or damaged"),
        (b"", "entry is empty"),
        ("\u20ac", "entry is unreadable: 'latin-1' codec.*"),
        (CUT, "entry is damaged or unreadable: image file is truncated.*"),
        (np.zeros((4, 4), np.uint8), r"expected pixels \[h, w, 3\] of uint8, got \[4, 4\] of uint8"),
        (np.zeros((4, 4, 3), np.float32), r"expected pixels \[h, w, 3\] of uint8, got \[4, 4, 3\] of float32"),
    ],
)
def test_an_entry_that_is_no_image_is_a_reason_of_its_own(image: Any, reason: str, crops: list) -> None:
    path = write(([crops[0].content[:2000] if image is CUT else image, crops[0].content], [True]))
    with pytest.raises(ImageError, match=f"^{reason}$"):
        read(path, 0)
    np.testing.assert_array_equal(read(path, 1), crops[0].pixels)


def test_an_array_without_content_is_a_reason(tmp_path: Path) -> None:
    array = b"cnumpy.core.multiarray\n_reconstruct\n)R"
    (tmp_path / "set.bin").write_bytes(b"](" + array * 2 + b"e](I01\ne\x86.")
    with pytest.raises(ImageError, match="entry is unreadable: holds an array without content"):
        read(tmp_path / "set.bin", 0)
    element = b"cnumpy\ndtype\n(U\x02u1K\x00K\x01tR"
    misshapen = array + b"(K\x01K\x05\x85" + element + b"\x89U\x02abtb"
    (tmp_path / "set.bin").write_bytes(b"](" + misshapen * 2 + b"e](I01\ne\x86.")
    with pytest.raises(ImageError, match="entry is unreadable: holds a malformed array"):
        read(tmp_path / "set.bin", 0)


def nested(levels: int) -> list:
    """A list of two lists that are one, and so on: few bytes, 2^levels items."""
    items: list = [True]
    for _ in range(levels):
        items = [items, items]
    return items


@pytest.mark.parametrize("stated", [nested(40), [[True]], [np.ones(2, dtype=bool)], ["1"], [None], [(True,)], [2]])
def test_trials_told_by_something_else_than_booleans_are_refused(stated: list) -> None:
    images = [b"image"] * 2 * len(stated)
    with pytest.raises(DataError, match=r"Expected set\.bin to say of every trial by a boolean"):
        read_faces(write((images, stated)))


def test_an_array_without_dimensions_tells_of_one_trial() -> None:
    assert len(read_faces(write(([b"one", b"other"], np.array(True)))).images) == 2


def test_a_stretch_of_the_file_is_compared_once_however_often_it_is_an_image(monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    content = BinFile.content
    monkeypatch.setattr(BinFile, "content", lambda self, position: read.append(position) or content(self, position))
    one, other = b"one", b"other"
    found = read_trials(str(write(([one, other] * 500, [False] * 500))))
    assert (len(found.images), len(found.mated), read) == (2, 500, [0, 1])
