import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from froq_lightning.cli import main
from froq_lightning.data.image_refs import ImageRef
from froq_lightning.errors import DataError, ImageError
from froq_lightning.sources.source import find_source, read_faces, read_trials

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes columns to a Parquet file, whose row groups have five rows."""

    def table(name: str = "faces.parquet", rows: int = 5, at_once: int | None = None, **columns: Any) -> Path:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        parquet.write_table(pa.table(columns), tmp_path / name, row_group_size=rows, write_batch_size=at_once)
        return tmp_path / name

    return table


@pytest.fixture
def contents(crops: list) -> list[bytes]:
    return [crop.content for crop in crops]


def structures(contents: list[bytes | None]) -> Any:
    """As Hugging Face writes images: a structure of their bytes and their path."""
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    return pa.array([None if content is None else {"bytes": content} for content in contents], kind)


def read(image: ImageRef) -> np.ndarray:
    return image.archive.read(image.position)[0]


@pytest.mark.parametrize("kind", [structures, pa.array, lambda contents: pa.array(contents, pa.large_binary())])
@pytest.mark.parametrize("order", [range(12), range(11, -1, -1), (0, 11, 1, 10, 6, 4, 4, 5)])
def test_rows_are_read_in_whatever_order(
    kind: Callable[..., Any], order: range, write: Write, contents: list[bytes], crops: list
) -> None:
    images = read_faces(write(image=kind(contents), other=list(range(12)))).images
    assert [image.key for image in images] == [f"faces/{row:06}" for row in range(12)]
    for image in (images, pickle.loads(pickle.dumps(images))):  # noqa: S301 - as a worker process receives them
        for place in order:
            np.testing.assert_array_equal(read(image[place]), crops[place].pixels)


def test_a_folder_and_a_pattern_of_files_are_one_source(write: Write, contents: list[bytes], crops: list) -> None:
    subjects = [crop.subject for crop in crops]
    for number, part in enumerate((slice(0, 7), slice(7, 7), slice(7, 12))):
        write(
            f"set/train-{number}.parquet", image=structures(contents[part]), label=pa.array(subjects[part], pa.string())
        )
    folder = write("set/train-3.parquet", image=structures([None]), label=pa.array([None], pa.string())).parent
    for source in (folder, folder / "train-*.parquet", folder / "train-{0..3}.parquet"):
        images = read_faces(source, with_subjects=True).images
        assert [image.key for image in images][6:9] == ["train-0/000006", "train-2/000000", "train-2/000001"]
        shown = [image.subject for image in images]
        assert [shown[a] == shown[b] for a in range(12) for b in range(12)] == [
            a == b for a in subjects for b in subjects
        ]
        assert shown[12] == ""
        np.testing.assert_array_equal(read(images[8]), crops[8].pixels)
    with pytest.raises(ImageError, match="entry is empty"):
        read(images[12])
    with pytest.raises(DataError, match=r"subject of every image.* none for 'train-3/000000'"):
        read_trials(str(folder))
    (folder / "train-3.parquet").unlink()
    assert read_trials(str(folder)).note == "all 12 mated trials, all 54 non-mated trials (seed 0)"


def test_a_table_that_names_files_stays_a_manifest(write: Write, contents: list[bytes], tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(contents[0])
    manifest = write("list.parquet", path=["a.jpg"], thumbnail=pa.array([contents[1]]))
    assert [image.key for image in read_faces(manifest).images] == ["a.jpg"]
    named = write("named.parquet", path=["gone.jpg"], content=pa.array([contents[1]]))
    assert [image.key for image in read_faces(named).images] == ["named/000000"]
    for columns in (
        {"path": ["a.jpg"], "embedding": [b"\0\1"]},
        {"path": ["a.jpg"], "sound": structures([b"RIFF0000WAVE"])},
    ):
        assert find_source(write("other.parquet", **columns)).name.startswith("manifest")


def test_the_usual_column_is_taken_of_several(write: Write, contents: list[bytes], crops: list) -> None:
    images = read_faces(write(small=contents[::-1], image=contents)).images
    np.testing.assert_array_equal(read(images[0]), crops[0].pixels)
    with pytest.raises(DataError, match=r"to hold images in one column, or in 'image', but got \['left', 'right'\]"):
        read_faces(write(left=contents, right=contents))


def test_files_of_other_columns_and_files_without_rows_are_refused(write: Write, contents: list[bytes]) -> None:
    folder = write("set/a.parquet", image=contents).parent
    write("set/b.parquet", photo=contents)
    with pytest.raises(DataError, match=r"Expected b\.parquet to have the column 'image', as the first file has"):
        read_faces(folder)
    (folder / "b.parquet").write_bytes(b"PAR1 no table PAR1")
    with pytest.raises(DataError, match=r"b\.parquet is no Parquet file"):
        read_faces(folder)


def test_a_damaged_row_group_fails_by_row_and_the_others_are_read(
    write: Write, contents: list[bytes], crops: list
) -> None:
    path = write(image=structures(contents))
    start = parquet.ParquetFile(path).metadata.row_group(1).column(0).data_page_offset
    damaged = bytearray(path.read_bytes())
    damaged[start : start + 40] = b"\xff" * 40
    path.write_bytes(damaged)
    images = read_faces(path).images
    for place in (0, 4, 5, 6, 9, 10, 7, 11):
        if place in range(5, 10):
            with pytest.raises(ImageError, match=r"faces\.parquet is damaged behind row 5: "):
                read(images[place])
        else:
            np.testing.assert_array_equal(read(images[place]), crops[place].pixels)


def test_a_file_that_changed_or_vanished_is_a_reason(write: Write, contents: list[bytes]) -> None:
    path = write(image=contents)
    images = read_faces(path).images
    write(image=contents[:7])
    with pytest.raises(ImageError, match=r"faces\.parquet has changed since the run began"):
        read(images[0])
    path.unlink()
    with pytest.raises(ImageError, match=r"file 'faces\.parquet' does not exist"):
        read(images[0])


def test_a_row_group_is_not_read_as_a_whole(write: Write) -> None:
    noise = np.random.default_rng(0).bytes(2**20)
    start = b"\x89PNG"
    path = write(rows=200, at_once=16, image=[start + bytes([row]) + noise for row in range(200)])
    images = read_faces(path).images
    before = pa.total_allocated_bytes()
    with pytest.raises(ImageError, match="entry is no image"):
        read(images[100])
    assert pa.total_allocated_bytes() - before < 150 * 2**20


def test_parquet_is_inspected(write: Write, contents: list[bytes], capsys: pytest.CaptureFixture[str]) -> None:
    path = write(image=contents)
    assert main(["data", "inspect", str(path)]) == 0
    assert capsys.readouterr().out.startswith(f"{path}: Parquet with a column of images\n  images             12\n")
