"""Every built-in source, and what is no source, under the checks that third parties call."""

from collections.abc import Callable
from pathlib import Path

import pytest

from froq_lightning.conformance.sources import check_source
from froq_lightning.data.image_refs import ImageRef
from froq_lightning.errors import ConfigurationError, ExtensionError
from froq_lightning.extensions import SOURCES, discover
from froq_lightning.sources.source import Faces, Request, Source, installed_sources, read_faces


@pytest.fixture
def paths(
    shared: Path, bin_file: Path, memfile: Path, rec_file: Path, tar_folder: Path, tmp_path: Path
) -> dict[str, Path]:
    """A path of every format that needs no files of its own kind here."""
    parquet = pytest.importorskip("pyarrow.parquet")
    faces = sorted((shared / "data" / "faces").glob("*/*.jpg"))[:12]
    subjects = "\n".join(f"{face},{face.parent.name}" for face in faces)
    (tmp_path / "list.csv").write_text(f"path,subject_id\n{subjects}\n")
    (tmp_path / "pairs.csv").write_text(f"image_a,image_b,mated\n{faces[0]},{faces[1]},1\n{faces[0]},{faces[2]},0\n")
    for face in faces:
        (tmp_path / "people" / face.parent.name).mkdir(parents=True, exist_ok=True)
        (tmp_path / "people" / face.parent.name / face.name).symlink_to(face)
    columns = {"image": [face.read_bytes() for face in faces], "label": [face.parent.name for face in faces]}
    parquet.write_table(pytest.importorskip("pyarrow").table(columns), tmp_path / "faces.parquet")
    return {
        "adaface_memfile": memfile,
        "folder": tmp_path / "people",
        "image": faces[0],
        "insightface_bin": bin_file,
        "manifest": tmp_path / "list.csv",
        "pairs": tmp_path / "pairs.csv",
        "parquet_images": tmp_path / "faces.parquet",
        "recordio": rec_file,
        "tar_shards": tar_folder,
    }


NAMES = ("adaface_memfile", "folder", "image", "insightface_bin", "manifest", "pairs", "parquet_images", "recordio")


@pytest.mark.parametrize("name", [*NAMES, "tar_shards"])
def test_built_in_sources_conform(name: str, paths: dict[str, Path]) -> None:
    source = discover(SOURCES).plugins[name].create()
    check_source(source, paths[name], with_trials=name != "image")


def test_those_that_take_the_rest_come_last() -> None:
    rest = [source.takes_the_rest for source in installed_sources()]
    assert rest == sorted(rest)
    assert sum(rest) == 4


TWINS = """
from froq_lightning.sources.source import Source

class First(Source):
    name = "first twin"

    def fits(self, path):
        return path.suffix == ".twin"

class Second(First):
    name = "second twin"
"""


def test_a_path_that_two_sources_take_is_refused_with_both_names(
    install: Callable[..., Path], on_path: Path, tmp_path: Path
) -> None:
    (on_path / "twin_sources.py").write_text(TWINS)
    install("twins", "first = twin_sources:First\nsecond = twin_sources:Second", group=SOURCES)
    with pytest.raises(ConfigurationError, match=r"a\.twin' is ambiguous: the sources 'first twin' and 'second twin'"):
        read_faces(tmp_path / "a.twin")


def test_a_source_that_does_not_say_what_it_takes_cannot_be_made() -> None:
    with pytest.raises(TypeError, match=r"abstract method '?fits"):
        type("Silent", (Source,), {"name": "silent"})()


class Broken(Source):
    """Does what a parameter says."""

    name = "broken"

    def __init__(self, takes: Callable[[Path], bool], images: list[ImageRef]) -> None:
        self.takes = takes
        self.images = images

    def fits(self, path: Path) -> bool:
        return self.takes(path)

    def faces(self, request: Request) -> Faces:
        del request
        return Faces(self.images)


@pytest.mark.parametrize(
    ("fits", "keys", "message"),
    [
        (lambda _: False, ["a"], r"Expected Broken to fit \w+\.jpg, but it does not"),
        (lambda _: True, ["a"], "Expected Broken to fit nothing that does not exist"),
        (Path.exists, [], "Expected Broken to raise a DataError where there are no images"),
        (Path.exists, ["a", "a"], "Expected Broken to give every image a key of its own"),
        (Path.exists, ["a"], "Expected Broken to give trials of .* but it refuses: .* none for 'a'"),
    ],
)
def test_what_keeps_no_contract_is_named(
    fits: Callable[[Path], bool], keys: list[str], message: str, paths: dict[str, Path]
) -> None:
    image = paths["image"]
    with pytest.raises(ExtensionError, match=message):
        check_source(Broken(fits, [ImageRef(key, image) for key in keys]), image)
