"""What all archives of images have in common."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from froq_lightning.errors import ImageError
from froq_lightning.sources.source import read_faces, read_trials


@pytest.mark.parametrize(
    ("archive", "below"),
    [("bin_file", ""), ("memfile", ""), ("memfile", "memfile"), ("memfile", "memfile/mem_file.dat")],
)
def test_pixels_and_trials_come_back_exactly_with_every_image_once(
    archive: str, below: str, paired: tuple, request: pytest.FixtureRequest
) -> None:
    members, mated = paired
    trials = read_trials(str(request.getfixturevalue(archive) / below))
    order = list({crop.path: crop for crop in members}.values())
    assert (trials.name, trials.mated.tolist(), len(trials.images)) == ("lfw", mated, len(order))
    assert [order[place].path for place in trials.first] == [crop.path for crop in members[::2]]
    assert [order[place].path for place in trials.second] == [crop.path for crop in members[1::2]]
    for image, crop in zip(trials.images, order, strict=True):
        pixels, note = image.archive.read(image.position)
        np.testing.assert_array_equal(pixels, crop.pixels)
        assert (pixels.dtype, note) == (np.uint8, "")


@pytest.mark.parametrize("archive", ["bin_file", "memfile", "rec_file", "tar_folder"])
def test_an_archive_that_vanished_is_a_reason(archive: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    path = request.getfixturevalue(archive)
    shutil.copytree(path.parent, tmp_path / "copy")
    image = read_faces(tmp_path / "copy" / path.name).images[0]
    image.path.unlink()
    with pytest.raises(ImageError, match=r"is unreadable: .*No such file"):
        image.archive.read(image.position)
