"""Labels of a whole calibration set, made when the embeddings of all its samples are there."""

from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from froq_lightning.methods.quality_method import SetLabeller


def label_set(
    labeller: SetLabeller, rows: npt.NDArray[np.float32], origins: Tensor, kept: Tensor
) -> tuple[dict[str, Any], dict[int, str]]:
    """Write the labels into the last column of the table that `LayerNormTable` computed, NaN where there is none.

    Args:
        labeller: of the set.
        rows: `[N, L + 1]` norms and labels.
        origins: `[N, 2]` subjects and originals; see `LayerNormTable.update`.
        kept: `[N, R]` of the samples; see `SetLabeller.keep`.

    Returns:
        What is to be recorded of the labels; and for samples that have an embedding, but no label, why, by their index.

    Raises:
        CalibrationError: if the set allows no labels.
    """
    subjects, originals = origins.T
    result = labeller.label(kept, subjects, originals)
    rows[:, -1] = result.labels.numpy()
    without = kept.isfinite().all(dim=1) & ~result.labels.isfinite()
    return result.facts, {index: result.reason(int(subjects[index])) for index in without.nonzero()[:, 0].tolist()}


def groups(origins: Tensor) -> Tensor:
    """Number the `[N]` samples alike that belong together: those of a subject, or an image and its copies.

    Args:
        origins: `[N, 2]` subjects, -1 where unknown, and originals.
    """
    subjects, originals = origins.T
    return subjects.where(subjects >= 0, -1 - originals)
