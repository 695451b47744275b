from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from froq_lightning.errors import ConfigurationError, UnknownNameError
from froq_lightning.sources.source import read_faces

pytest.importorskip("skimage", reason="needs the extra `samples`")


def written(source: str, scratch: Path) -> list[Path]:
    return [image.path for image in read_faces(source, scratch=scratch).images]


def test_the_sample_is_a_portrait_with_ten_degraded_versions_and_a_photograph_without_a_face(
    tmp_path: Path,
) -> None:
    files = written("sample:astronaut", tmp_path)
    assert sorted(files) == sorted((tmp_path / "photographs").iterdir())
    assert len(files) == 12
    kinds = {file.stem.partition("_")[0] for file in files} - {"original", "no"}
    assert kinds == {"blur", "downscale", "noise", "jpeg", "occlusion"}
    for file in files:
        with Image.open(file) as photograph:
            assert photograph.size == ((600, 400) if file.stem == "no_face" else (256, 256))


@pytest.mark.parametrize("kind", ["blur", "downscale", "noise", "jpeg", "occlusion"])
def test_strong_changes_more_of_the_photograph_than_mild(kind: str, tmp_path: Path) -> None:
    written("sample:astronaut", tmp_path)

    def pixels(title: str) -> np.ndarray:
        with Image.open(tmp_path / "photographs" / f"{title}.png") as photograph:
            return np.asarray(photograph, dtype=float)

    mild, strong = (np.abs(pixels(f"{kind}_{word}") - pixels("original")).mean() for word in ("mild", "strong"))
    assert 0 < mild < strong


def test_another_picture_of_that_name_stays(tmp_path: Path) -> None:
    written("sample:astronaut", tmp_path)
    Image.new("RGB", (256, 256)).save(tmp_path / "photographs" / "original.png")
    before = (tmp_path / "photographs" / "original.png").read_bytes()
    with pytest.raises(ConfigurationError, match=r"original\.png' to be free for a sample"):
        written("sample:astronaut", tmp_path)
    assert (tmp_path / "photographs" / "original.png").read_bytes() == before


def test_the_sample_is_the_same_each_time(tmp_path: Path) -> None:
    first, second = (written("sample:astronaut", tmp_path / name) for name in ("first", "second"))
    assert [file.read_bytes() for file in first] == [file.read_bytes() for file in second]
    assert written("sample:astronaut", tmp_path / "first") == first


def test_an_unknown_sample_is_refused_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="unknown sample 'astronut'; nearest: astronaut"):
        written("sample:astronut", tmp_path)
