"""Images that lie in object stores or on web servers, which fail at times."""

import pickle
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from faulty_server import Faults, s3_bucket, web_server

from froq_lightning import stored_files
from froq_lightning.data.face_dataset import read_ref
from froq_lightning.errors import ConfigurationError, DataError, DataNotFoundError, ImageError, StoreError
from froq_lightning.sources.source import read_faces, read_trials

SHARE = 0.05  # of the requests
Serve = Callable[[Path, Faults], str]


@pytest.fixture(params=["http", "s3"])
def serve(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Puts the files of a folder on a server; returns their address."""
    with ExitStack() as servers:

        def web(folder: Path, faults: Faults) -> str:
            pytest.importorskip("aiohttp")
            return servers.enter_context(web_server(folder, faults))

        def bucket(folder: Path, faults: Faults) -> str:
            store, name = servers.enter_context(s3_bucket(faults, monkeypatch))
            store.put(str(folder), f"{name}/set", recursive=True)
            store.invalidate_cache()
            return f"s3://{name}/set"

        yield web if request.param == "http" else bucket


def test_a_server_that_fails_at_times_loses_nothing(
    serve: Serve, tar_folder: Path, crops: list, tmp_path: Path
) -> None:
    faults = Faults(SHARE)
    address = f"{serve(tar_folder, faults)}/faces-{{0..2}}.tar"
    for _ in range(8):
        images = read_faces(address, scratch=tmp_path).images
        assert [image.key for image in images] == [f"faces-{n // 4}/{n:03}.jpg" for n in range(12)]
        for image, crop in zip(pickle.loads(pickle.dumps(images)), crops, strict=True):  # noqa: S301
            np.testing.assert_array_equal(image.archive.read(image.position)[0], crop.pixels)
            assert image.subject == crop.subject
    assert faults.failed >= 3
    assert len(read_trials(address, scratch=tmp_path).images) == 12


def test_what_is_not_there_is_told(serve: Serve, tar_folder: Path, tmp_path: Path) -> None:
    address = serve(tar_folder, Faults(0.0))
    with pytest.raises(DataNotFoundError, match=r"file 'none\.tar' does not exist"):
        read_faces(f"{address}/none.tar", scratch=tmp_path)
    with pytest.raises(
        DataError, match=r"train\.rec is of no known format that is read from an object store; there are"
    ):
        read_faces(f"{address}/train.rec", scratch=tmp_path)


def test_a_store_that_no_longer_answers_ends_the_run_and_is_no_failure_of_an_image(
    serve: Serve, tar_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored_files, "ATTEMPTS", 2)
    faults = Faults(0.0)
    image = read_faces(f"{serve(tar_folder, faults)}/faces-0.tar", scratch=tmp_path).images[0]
    faults.share = 1.0
    with pytest.raises(DataError, match=r"faces-0\.tar cannot be read, in 2 attempts: ") as raised:
        image.archive.read(image.position)
    assert not isinstance(raised.value, ImageError)


def test_a_manifest_may_name_addresses(serve: Serve, crops: list, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    for number, crop in enumerate(crops):
        (tmp_path / "set" / f"{number}.jpg").write_bytes(crop.content)
    address = serve(tmp_path / "set", Faults(SHARE))
    names = [f"{address}/{number}.jpg" for number in range(13)]
    (tmp_path / "list.csv").write_text("\n".join(["path", *names, str(crops[0].path)]))
    images = read_faces(tmp_path / "list.csv").images
    assert [image.key for image in images[:13]] == names
    for image, crop in zip(images, crops, strict=False):
        np.testing.assert_array_equal(read_ref(image)[0], crop.pixels)
    with pytest.raises(ImageError, match="file does not exist"):
        read_ref(images[12])
    np.testing.assert_array_equal(read_ref(images[13])[0], crops[0].pixels)
    (tmp_path / "root").mkdir()
    with pytest.raises(DataError, match=r"every path in list\.csv lies outside of the root"):
        read_faces(tmp_path / "list.csv", tmp_path / "root")


def test_a_folder_of_a_store_is_one_of_images(serve: Serve, crops: list, tmp_path: Path) -> None:
    for crop in crops:
        (tmp_path / "set" / crop.subject).mkdir(parents=True, exist_ok=True)
        (tmp_path / "set" / crop.subject / crop.path.name).write_bytes(crop.content)
    (tmp_path / "set" / "notes.txt").touch()
    address = serve(tmp_path / "set", Faults(SHARE))
    if address.startswith("http"):
        pytest.skip("the web has no folders")
    faces = read_faces(address)
    assert [image.key for image in faces.images] == [f"{crop.subject}/{crop.path.name}" for crop in crops]
    assert faces.passed_over == "1 files not read as images"
    for image, crop in zip(faces.images, crops, strict=True):
        np.testing.assert_array_equal(read_ref(image)[0], crop.pixels)
        assert image.subject == crop.subject
    with pytest.raises(DataError, match="nothing holds no images; images end in"):
        read_faces(f"{address}/nothing")


def test_parquet_is_read_by_ranges(serve: Serve, crops: list, tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    (tmp_path / "set").mkdir()
    table = pa.table({"image": [crop.content for crop in crops], "label": [crop.subject for crop in crops]})
    parquet.write_table(table, tmp_path / "set" / "faces.parquet", row_group_size=5)
    images = read_faces(f"{serve(tmp_path / 'set', Faults(SHARE))}/faces.parquet", scratch=tmp_path).images
    for place in (0, 11, 5, 6):
        np.testing.assert_array_equal(images[place].archive.read(place)[0], crops[place].pixels)


def test_a_store_that_no_longer_answers_fails_no_row_of_parquet(
    serve: Serve, crops: list, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    monkeypatch.setattr(stored_files, "ATTEMPTS", 2)
    (tmp_path / "set").mkdir()
    table = pa.table({"image": [crop.content for crop in crops]})
    parquet.write_table(table, tmp_path / "set" / "faces.parquet", row_group_size=5)
    faults = Faults(0.0)
    images = read_faces(f"{serve(tmp_path / 'set', faults)}/faces.parquet", scratch=tmp_path).images
    images[0].archive.read(0)
    faults.share = 1.0
    for place in (5, 11):  # of row groups that are opened anew
        with pytest.raises(StoreError, match=r"faces\.parquet cannot be read, in 2 attempts: "):
            images[place].archive.read(place)
    faults.share = 0.0
    np.testing.assert_array_equal(images[11].archive.read(11)[0], crops[11].pixels)


def test_a_password_in_an_address_is_not_shown(tar_folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("aiohttp")
    with web_server(tar_folder, Faults(0.0)) as address:
        images = read_faces(f"{address}/faces-0.tar?token=secret", scratch=tmp_path).images
        assert images[0].key == "faces-0/000.jpg"
        with pytest.raises(DataNotFoundError, match=r"^file 'none\.tar' does not exist$"):
            read_faces(f"{address}/none.tar?token=secret", scratch=tmp_path)


def test_a_store_whose_library_is_missing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "gcsfs", None)
    with pytest.raises(
        ConfigurationError, match=r"gs:// needs another library .*pip install 'froq-lightning\[remote\]'"
    ):
        read_faces("gs://nowhere/a.tar", scratch=tmp_path)
