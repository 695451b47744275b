import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from froq_lightning.errors import DataError, DataNotFoundError, ImageError
from froq_lightning.sources.source import read_faces, read_trials

DATA, CONF = "mem_file.dat", "mem_file.dat.conf"


def write(values: np.ndarray, conf: Any = None) -> Path:
    """Write values and what their .conf states of them."""
    Path(DATA).write_bytes(values.tobytes())
    stated = {"shape": values.shape, "dtype": str(values.dtype)} if conf is None else conf
    Path(CONF).write_text(stated if isinstance(stated, str) else json.dumps(stated))
    return Path(DATA)


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_other_floats_are_read_too(dtype: type, crops: list) -> None:
    values = (crops[0].pixels[..., ::-1].transpose(2, 0, 1)[None] / 127.5 - 1).astype(dtype)
    images = read_faces(write(values)).images
    np.testing.assert_array_equal(images[0].archive.read(0)[0], crops[0].pixels)


@pytest.mark.parametrize(
    ("conf", "message"),
    [
        ("{", "is no JSON with `shape` and `dtype`"),
        ({"shape": [2, 3, 4, 4]}, "is no JSON with `shape` and `dtype`: 'dtype'"),
        ([], "is no JSON with `shape` and `dtype`: list indices"),
        (
            {"shape": [2, 4, 4, 3], "dtype": "float32"},
            r"to state \[N, 3, H, W\] and float16 .*, but got \[2, 4, 4, 3\]",
        ),
        ({"shape": [2, 3, 4, 4], "dtype": "object"}, "but got .* and object"),
        ({"shape": [20_000_000, 3, 2**32, 2**32], "dtype": "float32"}, r"to have [\d,]+ bytes"),
        ({"shape": [3, 3, 4, 4], "dtype": "float32"}, "to have 576 bytes, as mem_file.dat.conf states, but got 384"),
    ],
)
def test_a_conf_that_does_not_fit_is_refused(conf: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_faces(write(np.zeros((2, 3, 4, 4), np.float32), conf))


@pytest.mark.parametrize("value", [np.nan, np.inf, 1.5, -200])
def test_values_that_are_no_normalised_pixels_are_a_reason(value: float) -> None:
    values = np.zeros((2, 3, 4, 4), np.float32)
    values[1, 2, 0, 0] = value
    images = read_faces(write(values)).images
    images[0].archive.read(0)
    with pytest.raises(ImageError, match=r"memfile holds values that are not in -1\.\.1"):
        images[1].archive.read(1)
    Path(images[1].path).unlink()
    with pytest.raises(ImageError, match="memfile is unreadable"):
        images[1].archive.read(1)


def test_a_missing_conf_or_list_is_refused(tmp_path: Path) -> None:
    path = write(np.zeros((2, 3, 4, 4), np.float32))
    with pytest.raises(DataNotFoundError, match=r"_list\.npy, which lists the mated trials, does not exist beside"):
        read_trials(str(path))
    (tmp_path / CONF).unlink()
    with pytest.raises(DataNotFoundError, match=r"mem_file\.dat cannot be read without mem_file\.dat\.conf"):
        read_trials(str(path))


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        (np.array([1]), "Expected lfw to hold two images per trial, but got 16 and 1"),
        (np.array([0.5]), r"Expected lfw_list\.npy to hold booleans, but got \[1\] of float64"),
        (np.array([2]), r"Expected lfw_list\.npy to hold booleans"),
        (
            np.array([{}], dtype=object),
            r"lfw_list\.npy is no array of numpy's: it is damaged .*Python objects",
        ),
    ],
)
def test_a_list_that_does_not_fit_is_refused(stated: np.ndarray, message: str, memfile: Path, tmp_path: Path) -> None:
    (tmp_path / "lfw").symlink_to(memfile)
    np.save(tmp_path / "lfw_list.npy", stated, allow_pickle=True)
    with pytest.raises(DataError, match=message):
        read_trials(str(tmp_path / "lfw"))
