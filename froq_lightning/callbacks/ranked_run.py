"""The best and the worst images of a run, found while any number of images passes by."""

from dataclasses import dataclass, field
from typing import Generic, TypeVar

from froq_lightning.runs.prediction import Prediction
from froq_lightning.runs.quality_batch import ScoredRow

FAILURES_SHOWN = 5
Item = TypeVar("Item")


class Ranking(Generic[Item]):
    """Keeps the `ends` best and the `ends` worst of any number of items.

    Args:
        ends: number of items kept at either end.

    Attributes:
        count: number of items that were added.
    """

    def __init__(self, ends: int) -> None:
        self.ends = ends
        self.count = 0
        self._entries: list[tuple[float, int, Item]] = []

    def add(self, score: float, index: int, item: Item) -> None:
        """Add an item; of equal scores the lower `index` is the better one."""
        self.count += 1
        self._entries.append((-score, index, item))
        if len(self._entries) >= 6 * self.ends:  # seldom, so that most items cost no sorting
            self._prune()

    def best_first(self) -> list[Item]:
        """Return the items kept, the best first; all of them if there are no more than twice `ends`."""
        self._prune()
        return [item for _, _, item in self._entries]

    def _prune(self) -> None:
        self._entries.sort(key=lambda entry: entry[:2])
        if len(self._entries) > 2 * self.ends:
            self._entries = self._entries[: self.ends] + self._entries[-self.ends :]


@dataclass
class RankedRun:
    """The images of a run: a ranking of those that were scored, how many were not, and the first of these.

    `below` counts those of less quality than `rank_rows` was given.
    """

    ranking: Ranking[ScoredRow]
    failed: int = 0
    failures: list[ScoredRow] = field(default_factory=list)
    below: int = 0


def rank_rows(prediction: Prediction, ends: int, fail_under: float | None = None) -> RankedRun:
    """Rank the images that were scored, and count the others, and those whose quality is below `fail_under`."""
    run = RankedRun(Ranking(ends))
    for row in prediction.rows():
        if row.quality_score is not None:
            run.ranking.add(row.quality_score, row.sample_index, row)
            run.below += fail_under is not None and row.quality < fail_under
        else:
            run.failed += 1
            if run.failed <= FAILURES_SHOWN:
                run.failures.append(row)
    return run
