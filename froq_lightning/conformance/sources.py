"""Whether a source lists images that can be read, and trials that are the same every time."""

import pickle
from itertools import islice
from pathlib import Path

import numpy as np

from froq_lightning.data.comparison_set import ComparisonSet
from froq_lightning.data.face_dataset import read_ref
from froq_lightning.errors import DataError, ExtensionError
from froq_lightning.sources.source import Request, Source

IMAGES_READ = 5


def check_source(source: Source, path: Path, *, with_trials: bool = True) -> None:
    """Check that a source reads a path of its format.

    It recognises the path, and no path that does not exist; its images have names of their own, can be read, and can be
    sent to a worker process; its trials lie within its images, and are the same every time.

    Args:
        source: the source.
        path: of a file or folder of its format.
        with_trials: whether the path allows comparison trials.

    Raises:
        ExtensionError: saying what was expected, and what came.
    """
    kind = type(source).__name__
    _require(bool(getattr(source, "name", "")), f"Expected {kind} to have a `name` for people, but got none")
    _require(source.fits(path), f"Expected {kind} to fit {path.name}, but it does not")
    nowhere = path.with_name("does-not-exist.nothing")
    _require(not source.fits(nowhere), f"Expected {kind} to fit nothing that does not exist, but it does")
    request = Request(path, name=source.usual_name(path.absolute(), next(iter(source.parts), "")))
    _require(bool(request.name), f"Expected {kind} to name a set after its path, but got an empty name")
    _check_images(kind, source, request)
    if with_trials:
        _check_trials(kind, source, request)


def _check_images(kind: str, source: Source, request: Request) -> None:
    images = source.faces(request).images
    _require(len(images) > 0, f"Expected {kind} to raise a DataError where there are no images, but got none")
    keys = [image.key for image in images]
    _require(len(set(keys)) == len(keys), f"Expected {kind} to give every image a key of its own, but got one twice")
    usable = (image for image in images if not image.problem)
    for image in islice(usable, IMAGES_READ):
        pixels, _ = read_ref(pickle.loads(pickle.dumps(image)))  # noqa: S301 - as a worker process receives it
        is_rgb = isinstance(pixels, np.ndarray) and pixels.dtype == np.uint8 and pixels.ndim == 3
        _require(
            is_rgb and pixels.shape[2] == 3, f"Expected {image.key!r} of {kind} to be [h, w, 3] uint8, but got another"
        )


def _check_trials(kind: str, source: Source, request: Request) -> None:
    columns = ("first", "second", "mated", "subjects")
    for part in source.parts or ("",):
        once, again = (_trials(kind, source, request, part) for _ in range(2))
        same = all(np.array_equal(getattr(once, column), getattr(again, column)) for column in columns)
        _require(same, f"Expected the trials of {kind} to be the same every time, but they differ")


def _trials(kind: str, source: Source, request: Request, part: str) -> ComparisonSet:
    try:
        return source.trials(Request(request.path, name=request.name, part=part))
    except DataError as error:
        raise ExtensionError(
            f"Expected {kind} to give trials of {request.path.name}, but it refuses: {error}"
        ) from error


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise ExtensionError(message)
