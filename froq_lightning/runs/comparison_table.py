"""The table that an evaluation fills: an embedding and the qualities of every image, and what is compared of them."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np
import numpy.typing as npt

from froq_lightning.errors import DataError
from froq_lightning.evaluation.comparisons import Floats, Integers

Embeddings = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Enrolment:
    """How images form what is compared. Without templates, every image is its own medium and its own template.

    Args:
        media: `[N]`, for every image the number of its medium, 0 to the number of media.
        template: `[media]`, for every medium the number of its template, 0 to the number of templates.
    """

    media: Integers
    template: Integers

    @classmethod
    def of_images(cls, count: int) -> "Enrolment":
        """Compare images, not templates."""
        return cls(np.arange(count), np.arange(count))

    @classmethod
    def of_templates(cls, template: Integers, media: Integers) -> "Enrolment":
        """Compare templates, given `[N]` numbers of every image's template, and of its medium."""
        _, first, dense = np.unique(media, return_index=True, return_inverse=True)
        return cls(dense, template[first])

    @cached_property
    def is_of_images(self) -> bool:
        """Whether every image is its own template."""
        return all(np.array_equal(each, np.arange(len(each))) for each in (self.media, self.template))


class ComparisonTable:
    """Gathers embeddings and qualities, batch by batch.

    It takes `media * dimension` float32 and `N * methods` float64 values, in a file if it is given a folder: only what
    is worked on is in memory then, and the file is gone with the table, or with the process.

    Args:
        enrolment: how the N images form templates.
        dimension: of the embeddings.
        methods: number of quality scores per image.
        folder: for the file; without one, the table is in memory.
    """

    def __init__(self, enrolment: Enrolment, dimension: int, methods: int, folder: Path | None = None) -> None:
        self.enrolment = enrolment
        images, media = len(enrolment.media), len(enrolment.template)
        self._sums = _zeros((media, dimension), np.float32, folder)
        self._qualities = _zeros((images, methods), np.float64, folder)
        self._embedded = np.zeros(media, np.int32)
        self._arrived = np.zeros(images, np.int32)
        self._folder = folder

    def update(self, sample_index: Integers, embeddings: Embeddings, qualities: Floats) -> None:
        """Add `[B]` images with their `[B, D]` embeddings and `[B, M]` qualities."""
        media = self.enrolment.media[sample_index]
        np.add.at(self._sums, media, embeddings)
        np.add.at(self._embedded, media, 1)
        np.add.at(self._qualities, sample_index, qualities)
        np.add.at(self._arrived, sample_index, 1)

    def update_missing(self, sample_index: Integers) -> None:
        """Add `[B]` images that gave no embedding."""
        self._qualities[sample_index] = np.nan
        np.add.at(self._arrived, sample_index, 1)

    def compute(self) -> tuple[Embeddings, Floats]:
        """Return the `[templates, D]` embeddings and the `[N, M]` qualities of the images; NaN where there is none.

        A template's embedding is the sum over its media of the mean embedding of a medium's images. To be called once,
        when all images are in.

        Raises:
            DataError: if images of the set never arrived.
        """
        if missing := int((self._arrived == 0).sum()):
            raise DataError(f"images were lost: {missing} of {len(self._arrived)} never arrived")
        _divide_repeated(self._qualities, self._arrived)
        _divide_repeated(self._sums, self._embedded)
        if self.enrolment.is_of_images:
            self._sums[self._embedded == 0] = np.nan
            return self._sums, self._qualities
        template, present = self.enrolment.template, np.flatnonzero(self._embedded)
        embeddings = _zeros((int(template.max()) + 1, self._sums.shape[1]), np.float32, self._folder)
        filled = np.zeros(len(embeddings), np.bool_)
        for medium in present:
            embeddings[template[medium]] += self._sums[medium]
        filled[template[present]] = True
        embeddings[~filled] = np.nan
        return embeddings, self._qualities


def template_quality(qualities: Floats, enrolment: Enrolment) -> Floats:
    """Mean quality of the images of every template: `[N, M]` to `[templates, M]`, NaN where no image has one."""
    if enrolment.is_of_images:
        return np.where(np.isfinite(qualities), qualities, np.nan)
    template = enrolment.template[enrolment.media]
    count = int(enrolment.template.max()) + 1
    known = np.isfinite(qualities)
    mean = np.full((count, qualities.shape[1]), np.nan)
    for column, present in enumerate(known.T):
        sums = np.bincount(template[present], weights=qualities[present, column], minlength=count)
        counts = np.bincount(template[present], minlength=count)
        np.divide(sums, counts, out=mean[:, column], where=counts > 0)
    return mean


def _zeros(shape: tuple[int, int], dtype: Any, folder: Path | None) -> npt.NDArray[Any]:
    if folder is None or not all(shape):
        return np.zeros(shape, dtype)
    # A file without a name: the system deletes it when the array is gone, however the process ends.
    with TemporaryFile(dir=folder) as file:
        return np.memmap(file, dtype, "w+", shape=shape)


def _divide_repeated(rows: npt.NDArray[Any], counts: Integers) -> None:
    """Make means of the sums of rows that were added several times."""
    repeated = np.flatnonzero(counts > 1)
    rows[repeated] /= counts[repeated, None]
