"""`froq data inspect`."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from froq_lightning.cli.option_paths import expand_home
from froq_lightning.data.comparison_set import ComparisonSet
from froq_lightning.data.image_refs import ImageRef
from froq_lightning.data.image_survey import ImageSurvey, survey_images
from froq_lightning.errors import DataError, DataNotFoundError
from froq_lightning.sources.source import Faces, find_source, read_faces, read_trials
from froq_lightning.terminal import Line, printable, show

MOST_LISTED = 5


def run_inspect(path: str, root: str | None = None, part: str | None = None) -> None:
    """Print what a source holds, and how a sample of its images looks.

    Args:
        path: anything that `validate`, `predict` or `test` may be given.
        root: folder of the images, if it is not the usual one.
        part: which set of a source that holds several.

    Raises:
        DataNotFoundError: if it does not exist.
        DataError: if it is of no known format, which the text lists, or malformed.
    """
    source, root = expand_home(path), expand_home(root)
    kind = find_source(Path(source)).name
    found: ComparisonSet | Faces
    with TemporaryDirectory() as scratch:
        try:
            found = read_trials(source, root, part=part, scratch=Path(scratch))
            comparisons = list(_trials(found))
        except (DataError, DataNotFoundError) as error:
            found = read_faces(source, root, scratch=Path(scratch))
            comparisons = [("comparison trials", f"none: {error}")]
        survey = survey_images(found.images)
    show(Line(f"{path}: {kind}", "title"))
    passed_over = [("passed over", found.passed_over)] if found.passed_over else []
    count = ("images", f"{len(found.images):,}")
    for title, text in (count, *passed_over, *comparisons, *_looks(found.images, survey)):
        show(f"  {title:<18} {text}")
    show(*(Line(f"note: {hint}", "remark") for hint in _hints(survey)))


def _trials(comparisons: ComparisonSet) -> Iterator[tuple[str, str]]:
    if comparisons.templates is not None:
        yield "templates", f"{len(comparisons.subjects):,}"
    mated = int(np.count_nonzero(comparisons.mated))
    yield "subjects", f"{len(np.unique(comparisons.subjects)):,}"
    yield "comparison trials", f"{mated:,} mated, {len(comparisons.mated) - mated:,} non-mated"
    if comparisons.note:
        yield "", comparisons.note


def _looks(images: Sequence[ImageRef], survey: ImageSurvey) -> Iterator[tuple[str, str]]:
    read = sum(survey.sizes.values())
    yield "read as a sample", f"{read:,}, {len(survey.failures):,} unreadable"
    if read:
        yield "sizes", _listed({f"{width} x {height}": count for (width, height), count in survey.sizes.items()})
        yield "modes", _listed(survey.modes)
        yield "taken for", _taken_for(images, survey)
    for key, reason in list(survey.failures.items())[:MOST_LISTED]:
        yield "unreadable", printable(f"{key}: {reason}")


def _taken_for(images: Sequence[ImageRef], survey: ImageSurvey) -> str:
    if images[0].landmarks is not None:
        return "loose crops with landmarks, which align them when they are read"
    if survey.crop_size is not None:
        return "aligned crops, as all are of one size"
    return "photographs, as they are of several sizes or large; set data.aligner"


def _listed(counts: Mapping[str, int]) -> str:
    listed = [f"{what} ({count:,})" for what, count in list(counts.items())[:MOST_LISTED]]
    more = len(counts) - len(listed)
    return ", ".join(listed) + (f" and {more} others" if more else "")


def _hints(survey: ImageSurvey) -> Iterator[str]:
    if survey.looks_swapped:
        of = survey.bluer + survey.redder
        yield f"red and blue look swapped: {survey.bluer} of {of} faces are bluer than red; scores would be wrong"
    if len(survey.failures) > MOST_LISTED:
        yield f"{len(survey.failures) - MOST_LISTED} more are unreadable"
