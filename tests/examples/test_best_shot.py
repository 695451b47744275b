"""The best shot of every person in a video."""

import csv
from collections.abc import Sequence
from pathlib import Path

import av
import best_shot
import numpy as np
import pytest
from PIL import Image, ImageFilter


def write_clip(path: Path, images: Sequence[Image.Image]) -> Path:
    """Write a clip of 5 frames a second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=5)
        stream.width, stream.height, stream.bit_rate = 250, 250, 5_000_000
        for image in images:
            container.mux(stream.encode(av.VideoFrame.from_image(image)))
        container.mux(stream.encode())
    return path


def test_each_subject_gets_a_track_and_a_shot_that_is_not_blurred(photographs: list[Path], tmp_path: Path) -> None:
    sharp = [Image.open(path).convert("RGB") for path in photographs]
    images = [view for image in sharp for view in (image.filter(ImageFilter.GaussianBlur(2)), image)]
    clip = write_clip(tmp_path / "clip.mp4", images)
    best_shot.main([str(clip), "--output", "shots"])
    rows = list(csv.DictReader(Path("shots/shots.csv").read_text().splitlines()))
    assert len(rows) == 3
    for row, start in zip(rows, (0, 8, 16), strict=True):
        place = round(float(row["time"]) * 5)
        assert start <= place < start + 8, "of the same subject"
        assert place % 2 == 1, "a sharp frame"
        shot = np.asarray(Image.open(Path("shots") / row["file"])).astype(int)
        assert np.abs(shot - np.asarray(images[place])).mean() < 5


def test_what_has_no_faces_or_is_no_video_ends_with_one_line(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "empty.mp4", [Image.new("RGB", (250, 250), "gray")] * 3)
    (tmp_path / "corrupt.mp4").write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    for name, message in (
        ("empty.mp4", "^no face of quality 5 or more in empty.mp4$"),
        ("corrupt.mp4", "^corrupt.mp4 could not be read to its end: .*Invalid data.* .0 tracks were saved.$"),
        ("missing.mp4", "^missing.mp4 could not be read to its end: .*No such file"),
    ):
        with pytest.raises(SystemExit, match=message):
            best_shot.main([name, "--output", "shots"])
    assert not Path("shots").exists()
