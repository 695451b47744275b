"""The best shot of every person in a video.

    python examples/best_shot.py video.mp4 --output shots/
    python examples/best_shot.py /dev/video0 --format v4l2 --output shots/

Of each frame, the largest face is scored: two people in a frame are not told apart, and boxes are not compared. A face
belongs to the track, seen a moment ago, whose mean embedding it is most alike. Memory holds a frame for every open
track.
"""

import argparse
import csv
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from PIL import Image
from torch import Tensor
from torch.nn.functional import cosine_similarity

from froq_lightning import QualityScorer


class Frame(NamedTuple):
    """A frame: its time in seconds, and `[H, W, 3]` RGB pixels."""

    time: float
    pixels: np.ndarray


@dataclass
class Track:
    """A person, as long as the face is in view."""

    start: float
    end: float
    faces: int
    sum: Tensor
    quality: int
    best: Frame

    def add(self, frame: Frame, quality: int, embedding: Tensor) -> None:
        """Add a face."""
        self.end, self.faces, self.sum = frame.time, self.faces + 1, self.sum + embedding
        if quality > self.quality:
            self.quality, self.best = quality, frame


def read_frames(source: str, file_format: str | None = None) -> Iterator[Frame]:
    """Read the frames of a video file, or of a camera, one by one.

    Raises:
        av.error.FFmpegError: if it cannot be read.
        ValueError: if there is no video in it.
    """
    with av.open(source, format=file_format) as container:
        if not container.streams.video:
            raise ValueError("there is no video in it")
        rate = float(container.streams.video[0].average_rate or 25)
        for index, frame in enumerate(container.decode(video=0)):
            pixels = np.rot90(frame.to_ndarray(format="rgb24"), round(frame.rotation / 90))  # phones turn the picture
            yield Frame(index / rate if frame.time is None else frame.time, pixels)


def find_tracks(
    frames: Iterator[Frame], scorer: QualityScorer, *, similarity: float, gap: float, min_quality: int
) -> Iterator[Track]:
    """Give each track as soon as it ends.

    Args:
        frames: in the order of time.
        scorer: for photographs.
        similarity: cosine similarity to the mean of a track from which a face belongs to it.
        gap: seconds without a face that end a track.
        min_quality: 0..100; faces below are left out, their embeddings say little.
    """
    tracks: list[Track] = []
    while chunk := list(islice(frames, scorer.batch_size)):
        scores = scorer([frame.pixels for frame in chunk], embeddings=True)
        for index, (frame, row) in enumerate(zip(chunk, scores, strict=True)):
            yield from (track for track in tracks if frame.time - track.end > gap)
            tracks = [track for track in tracks if frame.time - track.end <= gap]
            if scores.embeddings is None or row.quality < max(0, min_quality):
                continue
            embedding = scores.embeddings[index]
            alike = [cosine_similarity(embedding, track.sum, dim=0).item() for track in tracks]
            if alike and max(alike) >= similarity:
                tracks[alike.index(max(alike))].add(frame, row.quality, embedding)
            else:
                tracks.append(Track(frame.time, frame.time, 1, embedding, row.quality, frame))
    yield from tracks


def main(arguments: list[str] | None = None) -> None:
    """Write the best shot of every track, and a table of them."""
    parser = argparse.ArgumentParser(description="The best shot of every person in a video.")
    parser.add_argument("source", help="video file, or camera")
    parser.add_argument("--output", type=Path, required=True, help="folder for the shots and shots.csv")
    parser.add_argument("--format", help="of a camera: v4l2 (Linux), avfoundation (macOS), dshow (Windows)")
    parser.add_argument("--every", type=int, default=1, help="score every so many frames")
    parser.add_argument("--similarity", type=float, default=0.92, help="of faces of a person; suits dlib's network")
    parser.add_argument("--gap", type=float, default=2.0, help="seconds without the face that end a track")
    parser.add_argument("--min-quality", type=int, default=5, help="faces below are left out")
    options = parser.parse_args(arguments)
    scorer = QualityScorer.from_pretrained("dlib_resnet29", aligner="dlib", batch_size=8)
    limits = {name: getattr(options, name) for name in ("similarity", "gap", "min_quality")}
    count = 0
    try:
        frames = islice(read_frames(options.source, options.format), 0, None, options.every)
        for count, track in enumerate(find_tracks(frames, scorer, **limits), start=1):
            save(count, track, options.output)
    except (av.error.FFmpegError, ValueError) as error:
        sys.exit(f"{options.source} could not be read to its end: {error} ({count} tracks were saved)")
    except KeyboardInterrupt:
        sys.exit(130)
    if not count:
        sys.exit(f"no face of quality {options.min_quality} or more in {options.source}")


def save(number: int, track: Track, folder: Path) -> None:
    """Save the best shot of a track, and its row of the table."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"track-{number:03}.png"
    Image.fromarray(track.best.pixels).save(folder / name)
    row = [name, track.quality, *(f"{time:.2f}" for time in (track.best.time, track.start, track.end)), track.faces]
    with (folder / "shots.csv").open("w" if number == 1 else "a", newline="") as file:
        writer = csv.writer(file)
        if number == 1:
            writer.writerow(["file", "quality", "time", "start", "end", "faces"])
        writer.writerow(row)
    print(*row, sep="\t")


if __name__ == "__main__":
    main()
