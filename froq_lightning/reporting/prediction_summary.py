"""What a page says of the rows of a prediction, gathered in one pass that keeps a bounded number of them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from froq_lightning.callbacks.ranked_run import Ranking
from froq_lightning.data.image_refs import ImageRef
from froq_lightning.evaluation.comparisons import Integers
from froq_lightning.names import escape_name
from froq_lightning.runs.prediction import Prediction
from froq_lightning.runs.quality_batch import ScoredRow

# Failed images whose rows are kept.
FAILURES_KEPT = 24


@dataclass
class BestShot:
    """The best image of a subject.

    Args:
        row: of it; None if none of the subject's images was scored.
        images: number of the subject's images, failed ones among them.
    """

    row: ScoredRow | None = None
    images: int = 0


@dataclass
class PredictionSummary:
    """What one pass over the rows tells.

    Args:
        ranking: of the images that were scored, by raw score.
        qualities: `[101]` numbers of images by quality, 0 to 100.
        reasons: numbers of failed images by reason.
        defects: numbers of images by defect; empty if none was looked for.
        failures: rows of the first failed images.
        best_shots: by subject, in the order of the source; empty if subjects are not known.
    """

    ranking: Ranking[ScoredRow]
    qualities: Integers = field(default_factory=lambda: np.zeros(101, np.int64))
    reasons: Counter[str] = field(default_factory=Counter)
    defects: Counter[str] = field(default_factory=Counter)
    failures: list[ScoredRow] = field(default_factory=list)
    best_shots: dict[str, BestShot] = field(default_factory=dict)

    @property
    def scored(self) -> int:
        """Number of images that were scored."""
        return self.ranking.count

    @property
    def failed(self) -> int:
        """Number of images that were not."""
        return self.reasons.total()

    @property
    def images(self) -> int:
        """Number of all images."""
        return self.scored + self.failed

    def add(self, row: ScoredRow, subject: str) -> None:
        """Add a row; `subject` is empty where it is not known."""
        self.defects.update(row.defects)
        if row.quality_score is None:
            self.reasons[row.reason] += 1
            self.failures += [row] if len(self.failures) < FAILURES_KEPT else []
        else:
            self.ranking.add(row.quality_score, row.sample_index, row)
            self.qualities[row.quality] += 1
        if subject:
            self._add_to_subject(row, subject)

    def quantile(self, share: float) -> int:
        """Return the least quality that at least this share of the scored images has or stays below."""
        return int(np.searchsorted(self.qualities.cumsum(), share * self.scored))

    def _add_to_subject(self, row: ScoredRow, subject: str) -> None:
        best = self.best_shots.setdefault(subject, BestShot())
        best.images += 1
        if row.quality_score is None:
            return
        if best.row is None or best.row.quality_score is None or row.quality_score > best.row.quality_score:
            best.row = row


def subject_name(images: Sequence[ImageRef] | None, index: int) -> str:
    """Return the name of the subject of an image as outputs show it; empty if it is not known."""
    return "" if images is None else escape_name(images[index].subject)


def summarise(prediction: Prediction, images: Sequence[ImageRef] | None, ends: int) -> PredictionSummary:
    """Pass over the rows.

    Args:
        prediction: whose rows.
        images: of the rows, which know their subjects; None if they are not at hand.
        ends: number of images kept at either end of the ranking, at least 1.
    """
    summary = PredictionSummary(Ranking(ends))
    for row in prediction.rows():
        summary.add(row, subject_name(images, row.sample_index))
    return summary
