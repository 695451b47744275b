"""The labels that suit a calibration set: from mates where enough subjects are known, else from altered versions."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from froq_lightning.backbones.spec import Backbone
from froq_lightning.errors import CalibrationError
from froq_lightning.methods.mated_similarity import MatedSimilarity
from froq_lightning.methods.pseudo_mated_similarity import PseudoMatedSimilarity
from froq_lightning.methods.quality_method import SetLabeller, SetLabels

# With fewer, labels from altered versions are as good (benchmarks/README.md).
ENOUGH_SUBJECTS = 25


@dataclass(frozen=True)
class AutoLabels(SetLabeller):
    """Labels as `mated` does where subjects are known, else as `pseudo_mated` does.

    `mated` wants mates of 25 subjects, to which these are more alike than to others, and of half of the images.
    """

    def keep(self, backbone: Backbone, images: Tensor, embeddings: Tensor, is_image: Tensor) -> Tensor:
        """Keep what either would; see `PseudoMatedSimilarity.keep`."""
        return PseudoMatedSimilarity().keep(backbone, images, embeddings, is_image)

    def label(self, kept: Tensor, subjects: Tensor, originals: Tensor) -> SetLabels:
        """Label the images of a set; see `SetLabeller.label`. The facts say which labels they are, and why."""
        reason = _lack_of_subjects(subjects.where(kept.isfinite().all(dim=1), -1), originals)
        if not reason:
            try:
                mated = MatedSimilarity().label(kept.chunk(2, dim=1)[0], subjects, originals)
            except CalibrationError as error:
                reason = str(error).partition(". ")[0]
            else:
                return _explained(mated, "mated", f"{mated.facts['subjects']} subjects have mates")
        return _explained(PseudoMatedSimilarity().label(kept, subjects, originals), "pseudo_mated", reason)

    def require_mates(self, subjects: Tensor, originals: Tensor) -> None:
        """Refuse a set that allows neither; see `SetLabeller.require_mates`."""
        if _lack_of_subjects(subjects, originals):
            PseudoMatedSimilarity().require_mates(subjects, originals)


def _lack_of_subjects(subjects: Tensor, originals: Tensor) -> str:
    """Say why `mated` is out of the question; empty if it is not."""
    images = subjects[originals == torch.arange(len(originals))]
    counts = images[images >= 0].unique(return_counts=True)[1]
    if not len(counts):
        return "no subjects are known"
    counts = counts[counts > 1]
    if len(counts) < ENOUGH_SUBJECTS:
        return f"{len(counts)} subjects have two images or more, and `mated` wants {ENOUGH_SUBJECTS}"
    if 2 * int(counts.sum()) < len(images):
        return f"of {len(images)} images only {int(counts.sum())} have another of the same subject"
    return ""


def _explained(labels: SetLabels, method: str, reason: str) -> SetLabels:
    return replace(labels, facts={"method": method, "why": reason, **labels.facts})
