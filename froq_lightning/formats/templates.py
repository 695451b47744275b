"""Templates of subjects as the formats of embeddings take them: a row for every subject."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from froq_lightning.runs.prediction import Embeddings
from froq_lightning.runs.quality_batch import OK, ScoredRow


@dataclass(frozen=True)
class SubjectTemplates:
    """An embedding for every subject, in the place of every image.

    Args:
        subjects: S names.
        vectors: `[S, D]` float32.
    """

    subjects: Sequence[str]
    vectors: Embeddings

    def __len__(self) -> int:
        return len(self.subjects)

    def rows(self) -> Iterator[ScoredRow]:
        """Yield the names."""
        return (ScoredRow(place, name, None, -1, OK, "") for place, name in enumerate(self.subjects))

    def components(self) -> tuple[str, ...]:
        """Return no names: nothing was measured."""
        return ()

    def dimension(self) -> int:
        """Return D."""
        return self.vectors.shape[1]

    def embeddings(self, at_once: int) -> Iterator[Embeddings]:
        """Yield blocks of so many rows."""
        return (self.vectors[start : start + at_once] for start in range(0, len(self), at_once))
