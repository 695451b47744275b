"""The scores of a run, and what is known of its images, as `froq select` is given them."""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from froq_lightning.data.embedding_files import Vectors, read_embeddings
from froq_lightning.data.subject_names import read_names, subject_of_path
from froq_lightning.errors import DataError
from froq_lightning.formats.format import read_rows
from froq_lightning.runs.quality_batch import ScoredRow
from froq_lightning.subjects.choice import NOBODY, Floats, Integers
from froq_lightning.subjects.clusters import cluster

FOLDER, CLUSTERS = "folder", "clusters"


@dataclass(frozen=True)
class ScoredImages:
    """The N images of a run, and whom they show.

    Args:
        rows: their scores.
        embeddings: `[N, D]`, if they were given.
        subjects: N names, empty where the subject is not known.
    """

    rows: list[ScoredRow]
    embeddings: Vectors | None
    subjects: list[str]

    @property
    def scores(self) -> Floats:
        """`[N]`, NaN for images that failed."""
        return np.array([np.nan if row.quality_score is None else row.quality_score for row in self.rows], np.float64)

    @property
    def quality(self) -> Floats:
        """`[N]` in 0..100, -1 for images that failed."""
        return np.array([row.quality for row in self.rows], np.float64)

    @property
    def numbers(self) -> Integers:
        """`[N]` numbers of subjects in the order of their first images."""
        known = {name: number for number, name in enumerate(dict.fromkeys(filter(None, self.subjects)))}
        return np.array([known.get(name, NOBODY) for name in self.subjects], np.int64)


def read_images(options: argparse.Namespace) -> ScoredImages:
    """Read the scores, the embeddings and the subjects that the options of `froq select` name.

    Raises:
        FroqError: if one cannot be read, does not belong to the scores, or names no subjects where they are needed.
    """
    rows = read_rows(Path(options.scores))
    embeddings = (
        None if options.embeddings is None else _matching(read_embeddings(Path(options.embeddings)), rows, options)
    )
    keys = [row.image for row in rows]
    if options.subjects == CLUSTERS and embeddings is not None:
        return ScoredImages(rows, embeddings, _clustered(embeddings, rows, options))
    if options.subjects == FOLDER:
        subjects = [subject_of_path(key) for key in keys]
    else:
        subjects = read_names(Path(options.subjects), keys, options.subject_column)
    if (options.best_per_subject or options.templates) and rows and not any(subjects):
        raise DataError(
            f"Expected the subject of an image, but {keys[0]!r} lies in no folder that names it; give "
            "--subjects TABLE, or --subjects clusters"
        )
    return ScoredImages(rows, embeddings, subjects)


def _clustered(embeddings: Vectors, rows: list[ScoredRow], options: argparse.Namespace) -> list[str]:
    """Name clusters. Bad images are alike whomever they show: those that are not selected anyway are left out."""
    good = np.array([row.quality >= max(options.min_quality or 0, 0) for row in rows], bool)
    numbers = np.full(len(rows), NOBODY)
    numbers[good] = cluster(embeddings[good], options.same_above)
    width = len(str(numbers.max(initial=0) + 1))
    return ["" if number == NOBODY else f"cluster-{number + 1:0{width}}" for number in numbers.tolist()]


def _matching(embeddings: Vectors, rows: list[ScoredRow], options: argparse.Namespace) -> Vectors:
    """Refuse embeddings of another run: they have a row for every row of the scores, NaN for images that failed."""
    name, scored = options.embeddings, [row.quality_score is not None for row in rows]
    if len(embeddings) != len(rows):
        raise DataError(
            f"{name!r} has {len(embeddings):,} rows, but {options.scores!r} {len(rows):,}; give those of one run"
        )
    if (np.isfinite(embeddings).all(axis=1) != scored).any():
        raise DataError(
            f"Expected {name!r} to lack the images that failed and no others; give the embeddings of the same run"
        )
    return embeddings
