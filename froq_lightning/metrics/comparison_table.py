"""The table that an evaluation fills: an embedding and the qualities of every image; from it, the comparison trials."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torchmetrics import Metric

from froq_lightning.errors import DataError
from froq_lightning.evaluation.comparisons import Floats, Integers


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


class ComparisonTable(Metric):
    """Gathers embeddings and qualities across batches and processes.

    A process holds `media * dimension` float32 and `N * methods` float64 values, allocated beforehand.

    Args:
        enrolment: how the N images form templates.
        dimension: of the embeddings.
        methods: number of quality scores per image.
    """

    full_state_update = False
    sums: Tensor
    embedded: Tensor
    qualities: Tensor
    arrived: Tensor
    media: Tensor

    def __init__(self, enrolment: Enrolment, dimension: int, methods: int) -> None:
        super().__init__()
        self.enrolment = enrolment
        images, media = len(enrolment.media), len(enrolment.template)
        self.register_buffer("media", torch.from_numpy(enrolment.media).long(), persistent=False)
        self.add_state("sums", torch.zeros(media, dimension), dist_reduce_fx="sum")
        self.add_state("embedded", torch.zeros(media, dtype=torch.int64), dist_reduce_fx="sum")
        self.add_state("qualities", torch.zeros(images, methods, dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("arrived", torch.zeros(images, dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, sample_index: Tensor, embeddings: Tensor, qualities: Tensor) -> None:
        """Add `[B]` images with their `[B, D]` embeddings and `[B, M]` qualities."""
        media = self.media[sample_index]
        self.sums.index_add_(0, media, embeddings.to(self.sums))
        self.embedded.index_add_(0, media, torch.ones_like(media))
        self.qualities.index_add_(0, sample_index, qualities.to(self.qualities))
        self.arrived.index_add_(0, sample_index, torch.ones_like(sample_index))

    def update_missing(self, sample_index: Tensor) -> None:
        """Add `[B]` images that gave no embedding."""
        # Else torchmetrics would warn where no image of a process gave one.
        self.update(sample_index[:0], self.sums[:0], self.qualities[:0])
        self.qualities[sample_index] = torch.nan
        self.arrived.index_add_(0, sample_index, torch.ones_like(sample_index))

    def compute(self) -> tuple[npt.NDArray[np.float32], Floats]:
        """Return the `[templates, D]` embeddings and the `[N, M]` qualities of the images; NaN where there is none.

        A template's embedding is the sum over its media of the mean embedding of a medium's images.

        Raises:
            DataError: if images of the set never arrived.
        """
        if not bool(self.arrived.all()):
            raise DataError(f"images were lost: {int((self.arrived == 0).sum())} of {len(self.arrived)} never arrived")
        means = (self.sums / self.embedded[:, None]).cpu()
        template = torch.from_numpy(self.enrolment.template).long()
        present = self.embedded.cpu() > 0
        embeddings = torch.zeros(int(template.max()) + 1, means.shape[1])
        embeddings.index_add_(0, template[present], means[present])
        filled = torch.zeros(len(embeddings), dtype=torch.bool)
        filled[template[present]] = True
        embeddings[~filled] = torch.nan
        return embeddings.numpy(), (self.qualities / self.arrived[:, None]).cpu().numpy()


def template_quality(qualities: Floats, enrolment: Enrolment) -> Floats:
    """Mean quality of the images of every template: `[N, M]` to `[templates, M]`, NaN where no image has one."""
    template = enrolment.template[enrolment.media]
    count = int(enrolment.template.max()) + 1
    known = np.isfinite(qualities)
    mean = np.full((count, qualities.shape[1]), np.nan)
    for column, present in enumerate(known.T):
        sums = np.bincount(template[present], weights=qualities[present, column], minlength=count)
        counts = np.bincount(template[present], minlength=count)
        np.divide(sums, counts, out=mean[:, column], where=counts > 0)
    return mean
