"""Labels from other images of the same subject: how alike the network finds an image and those.

A face recognition system fails to match an image that is unlike its mates, and quality is to foretell such errors.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

from froq_lightning.backbones.spec import Backbone
from froq_lightning.errors import CalibrationError
from froq_lightning.methods.quality_method import SetLabeller, SetLabels

# Fewer images than this share that are more alike to those of their subject than to others leave it open whether
# subjects are subjects. Measured on 1,671 faces of 495 subjects: 1.00 with EdgeFace and MobileFaceNet, 0.94 where every
# face is degraded; 0.49 with the images of subjects shuffled (of 10 subjects 0.41, 0.71 at most); with random weights
# 0.75 to 0.80, and 0.53 to 0.57 shuffled.
ALIKE = 0.75
# So many samples are compared at a time.
BLOCK = 4096


@dataclass(frozen=True)
class Similarities:
    """How alike images are to others; cosines are float64, and exact whatever the number of images.

    Args:
        mates: `[N]` int64, how many mates an image has: the images of its subject without itself; of a degraded copy
            without the one that it was made from. Copies are no mates.
        mated: `[N]` mean cosine of an image to its mates, -1..1; NaN where it has none.
        non_mated: `[N]` mean cosine to the images of all other subjects; NaN where there are none.
        is_image: `[N]` bool, false for degraded copies.
    """

    mates: Tensor
    mated: Tensor
    non_mated: Tensor
    is_image: Tensor

    @classmethod
    def of(cls, embeddings: Tensor, subjects: Tensor, originals: Tensor) -> "Similarities":
        """Compare images by sums of the embeddings of every subject; see `SetLabeller.label`."""
        present = embeddings.isfinite().all(dim=1) & (subjects >= 0)
        samples = torch.arange(len(subjects))
        is_image = originals == samples
        is_mate = present & is_image
        names, subjects = subjects.where(present, -1).unique(return_inverse=True)
        count = torch.zeros(len(names), dtype=torch.int64).index_add_(0, subjects, is_mate.long())[subjects]
        sums = torch.zeros(len(names), embeddings.shape[1], dtype=torch.float64)
        for rows in samples.split(BLOCK):
            sums.index_add_(0, subjects[rows], _unit(embeddings[rows], is_mate[rows]))
        total = sums.sum(dim=0)
        mated, non_mated = sums.new_empty(2, len(samples))
        for rows in samples.split(BLOCK):
            own, original = _unit(embeddings[rows], present[rows]), originals[rows]
            to_subject = (own * sums[subjects[rows]]).sum(dim=1)
            mated[rows] = to_subject - (own * _unit(embeddings[original], is_mate[original])).sum(dim=1)
            non_mated[rows] = own @ total - to_subject
        mates, others = (count - is_mate[originals].long()) * present, (is_mate.sum() - count) * present
        mated, non_mated = (
            (mated / mates).where(mates > 0, torch.nan),
            (non_mated / others).where(others > 0, torch.nan),
        )
        return cls(mates, mated, non_mated, is_image)

    @property
    def alike(self) -> float:
        """Share of the images that are more alike to their mates than to other subjects; about 0.5 by chance.

        NaN without images that have both.
        """
        known = self.is_image & self.mated.isfinite() & self.non_mated.isfinite()
        return float((self.mated > self.non_mated)[known].double().mean())


def _unit(embeddings: Tensor, used: Tensor) -> Tensor:
    """Bring embeddings to length 1 in float64; those that are not used to 0."""
    return normalize(embeddings.double(), dim=1).where(used[:, None], 0)


@dataclass(frozen=True)
class MatedSimilarity(SetLabeller):
    """Labels images by their mean cosine similarity to the other images of their subject; see `Similarities`."""

    def keep(self, backbone: Backbone, images: Tensor, embeddings: Tensor, is_image: Tensor) -> Tensor:
        """Keep the embeddings, `[B, D]` float32."""
        del backbone, images, is_image
        return embeddings.float()

    def label(self, kept: Tensor, subjects: Tensor, originals: Tensor) -> SetLabels:
        """Label the images of a set; see `SetLabeller.label`.

        Raises:
            CalibrationError: if subjects are not known, have one image each, or do not seem to be subjects.
        """
        self.require_mates(subjects.where(kept.isfinite().all(dim=1), -1), originals)
        similarities = Similarities.of(kept, subjects, originals)
        if not similarities.alike >= ALIKE:
            raise CalibrationError(
                f"images of one subject are hardly more alike than others: Expected {ALIKE:.0%} or more to be nearer "
                f"to their own subject than to others, but got {similarities.alike:.0%}, where chance gives 50%. Are "
                "the sub-folders, or subject_id, subjects, and has the network its weights? Otherwise choose another "
                "model.labeller"
            )
        labelled = similarities.mates > 0
        facts = {
            "subjects": int(subjects[labelled].unique().numel()),
            "mates": float(similarities.mates[labelled].double().mean()),
            "alike": similarities.alike,
        }
        return SetLabels(similarities.mated, facts, _without_label)

    def require_mates(self, subjects: Tensor, originals: Tensor) -> None:
        """Refuse `[N]` subjects that are unknown, or that have one image each; see `SetLabeller.require_mates`."""
        images = subjects[(subjects >= 0) & (originals == torch.arange(len(originals)))]
        if not len(images):
            raise CalibrationError(
                "Expected to know who is shown, since `mated` compares the images of a subject, but got images without "
                "subjects; give one sub-folder per subject, a manifest with a column subject_id, or RecordIO, or "
                "choose another model.labeller"
            )
        counts = images.unique(return_counts=True)[1]
        if len(counts) < 2 or int(counts.max()) < 2:
            raise CalibrationError(
                f"Expected two subjects or more, and two images of one, but got {len(images)} images of {len(counts)} "
                f"subject{'s' * (len(counts) > 1)}; choose another model.labeller"
            )


def _without_label(subject: int) -> str:
    return "its subject is not known" if subject < 0 else "no other image of this subject"
