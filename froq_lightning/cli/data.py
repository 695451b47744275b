"""`froq data inspect`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from froq_lightning.cli.option_paths import expand_home
from froq_lightning.data.comparison_set import ComparisonSet
from froq_lightning.data.image_refs import ImageRef
from froq_lightning.data.image_survey import ImageSurvey, survey_images
from froq_lightning.errors import DataError, DataNotFoundError
from froq_lightning.sources.source import find_source, read_faces, read_trials
from froq_lightning.terminal import printable

MOST_LISTED = 5


@dataclass(frozen=True)
class Inspection:
    """What a source holds.

    Args:
        kind: the format.
        images: of it.
        comparisons: the comparison trials; None if there are none.
        obstacle: why there are none.
        survey: of a sample of the images.
        passed_over: what else lies in a folder; empty if nothing does.
    """

    kind: str
    images: Sequence[ImageRef]
    comparisons: ComparisonSet | None
    obstacle: str
    survey: ImageSurvey
    passed_over: str


def inspect_source(source: str, root: str | None = None, part: str | None = None) -> Inspection:
    """Find out what a source holds.

    Args:
        source: anything that `validate`, `predict` or `test` may be given.
        root: folder of the images, if it is not the usual one.
        part: which set of a source that holds several.

    Raises:
        DataNotFoundError: if it does not exist.
        DataError: if it is of no known format, which the text lists, or malformed.
    """
    kind = find_source(Path(source)).name
    try:
        comparisons = read_trials(source, root, part=part)
    except (DataError, DataNotFoundError) as error:
        faces = read_faces(source, root)
        return Inspection(kind, faces.images, None, str(error), survey_images(faces.images), faces.passed_over)
    survey = survey_images(comparisons.images)
    return Inspection(kind, comparisons.images, comparisons, "", survey, comparisons.passed_over)


def run_inspect(path: str, root: str | None = None, part: str | None = None) -> None:
    """Tell what a source holds."""
    found = inspect_source(expand_home(path), expand_home(root), part)
    print(f"{path}: {found.kind}")
    for what, told in (*_counts(found), *_looks(found)):
        print(f"  {what:<18} {told}")
    print("".join(f"note: {hint}\n" for hint in _hints(found)), end="")


def _counts(found: Inspection) -> Iterator[tuple[str, str]]:
    yield "images", f"{len(found.images):,}"
    if found.passed_over:
        yield "passed over", found.passed_over
    if found.comparisons is None:
        yield "comparison trials", f"none: {found.obstacle}"
    else:
        yield from _trials(found.comparisons)


def _trials(comparisons: ComparisonSet) -> Iterator[tuple[str, str]]:
    if comparisons.templates is not None:
        yield "templates", f"{len(comparisons.subjects):,}"
    mated = int(np.count_nonzero(comparisons.mated))
    yield "subjects", f"{len(np.unique(comparisons.subjects)):,}"
    yield "comparison trials", f"{mated:,} mated, {len(comparisons.mated) - mated:,} non-mated"
    if comparisons.note:
        yield "", comparisons.note


def _looks(found: Inspection) -> Iterator[tuple[str, str]]:
    survey = found.survey
    read = sum(survey.sizes.values())
    yield "read as a sample", f"{read:,}, {len(survey.failures):,} unreadable"
    if read:
        yield "sizes", _listed({f"{width} x {height}": count for (width, height), count in survey.sizes.items()})
        yield "modes", _listed(survey.modes)
        yield "taken for", _taken_for(found, survey)
    for key, reason in list(survey.failures.items())[:MOST_LISTED]:
        yield "unreadable", printable(f"{key}: {reason}")


def _taken_for(found: Inspection, survey: ImageSurvey) -> str:
    if found.images[0].landmarks is not None:
        return "loose crops with landmarks, which align them when they are read"
    if survey.crop_size is not None:
        return "aligned crops, as all are of one size"
    return "photographs, as they are of several sizes or large; set data.aligner"


def _listed(counts: Mapping[str, int]) -> str:
    told = [f"{what} ({count:,})" for what, count in list(counts.items())[:MOST_LISTED]]
    more = len(counts) - len(told)
    return ", ".join(told) + (f" and {more} others" if more else "")


def _hints(found: Inspection) -> Iterator[str]:
    survey = found.survey
    if survey.looks_swapped:
        of = survey.bluer + survey.redder
        yield f"red and blue look swapped: {survey.bluer} of {of} faces are bluer than red; scores would be wrong"
    if len(survey.failures) > MOST_LISTED:
        yield f"{len(survey.failures) - MOST_LISTED} more are unreadable"
