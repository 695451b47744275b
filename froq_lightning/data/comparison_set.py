"""What an evaluation runs on: images, and the comparison trials between them or between templates of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from froq_lightning.data.records import FaceRecord
from froq_lightning.errors import DataError

Indices = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Templates:
    """Images that are compared in groups (IJB-C).

    A template's embedding is the sum over its media of the mean embedding of a medium's images.

    Args:
        template: `[N]`, for every record the position of its template.
        media: `[N]`, for every record a number that it shares with the other records of its template and medium.
    """

    template: Indices
    media: Indices


@dataclass(frozen=True)
class ComparisonSet:
    """Images and comparison trials. The two sides of a trial are records, or templates where there are some.

    Args:
        name: in tables and files.
        records: the N images, each once.
        first: `[P]`, one side of every trial.
        second: `[P]`, its other side.
        mated: `[P]` bool, whether both sides show the same subject.
        subjects: `[U]`, who each record or template shows; equal numbers, equal subject.
        templates: how records form templates; None where images are compared.
        note: how the trials came about, for tables; such as "non-mated trials sampled".
        passed_over: what is not among the records of a folder; empty if nothing is.
    """

    name: str
    records: Sequence[FaceRecord]
    first: Indices
    second: Indices
    mated: npt.NDArray[np.bool_]
    subjects: Indices
    templates: Templates | None = None
    note: str = ""
    passed_over: str = ""

    def __post_init__(self) -> None:
        if not len(self.first) == len(self.second) == len(self.mated):
            lengths = f"{len(self.first)}, {len(self.second)} and {len(self.mated)}"
            raise DataError(f"Expected `first`, `second` and `mated` to be of one length, but got {lengths}")
        if not len(self.mated):
            raise DataError(f"{self.name} holds no comparison trials")
        lowest, highest = min(self.first.min(), self.second.min()), max(self.first.max(), self.second.max())
        if lowest < 0 or highest >= len(self.subjects):
            wrong = lowest if lowest < 0 else highest
            raise DataError(f"Expected trials between 0 and {len(self.subjects) - 1}, but got {wrong}")

    def lacking(self, usable: npt.NDArray[np.bool_] | None = None) -> str:
        """Tell which kinds of trials, mated and non-mated, a set has none of; empty if figures follow from it.

        Args:
            usable: `[P]`, which trials count; by default all.
        """
        mated = self.mated if usable is None else self.mated[usable]
        kinds = (("mated", mated.any()), ("non-mated", (~mated).any()))
        return " and no ".join(kind for kind, some in kinds if not some)
