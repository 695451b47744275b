"""After `test`: every comparison trial with its comparison score and the qualities of its images, as a table."""

from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path

import numpy as np
from lightning.pytorch import LightningModule, Trainer

from froq_lightning.atomic_write import Signature, atomic_write, signature
from froq_lightning.callbacks.evaluation_writer import evaluation_of
from froq_lightning.callbacks.output_writer import OutputWriter, trial_data
from froq_lightning.evaluation.comparisons import CHUNK, Floats
from froq_lightning.evaluation.outcome import EvaluatedSet
from froq_lightning.formats.format import require_suffix
from froq_lightning.formats.table import delimiter_of, fill_table
from froq_lightning.stored_files import address_of
from froq_lightning.terminal import wrote

COLUMNS = ("data_set", "image_a", "image_b", "subject_a", "subject_b", "mated", "comparison_score")
# Further columns depend on the methods.
SIGNATURE = signature(".".join(COLUMNS).encode())


class TrialWriter(OutputWriter):
    """Writes the trials, for `froq threshold` and for tools of one's own.

    Columns: data_set, image_a, image_b, subject_a, subject_b (numbers), mated (0 or 1), comparison_score (higher is
    more alike; empty where an image gave no embedding), and for every method NAME_a and NAME_b, its quality scores of
    both images (higher is better); for a method with an Observer also NAME_quality_a and NAME_quality_b, in 0..100.
    Where templates are compared, images are their numbers.

    Args:
        path: of the table: .csv or .txt, or .tsv; without a suffix CSV.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        require_suffix("the trials", self.path, ["", ".csv", ".tsv", ".txt"])

    def outputs(self) -> Sequence[tuple[Path, Signature]]:
        """List the table."""
        return [(self.path, SIGNATURE)]

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the trials of all data sets."""
        if not trainer.is_global_zero:
            return
        evaluation = evaluation_of(pl_module, type(self).__name__)
        data = trial_data(trainer, type(self).__name__)
        comparisons = [each.comparisons for each in data.sets]
        keys = [[image.key for image in each.images] if each.templates is None else None for each in comparisons]
        header = [*COLUMNS, *(f"{name}{side}" for name in _qualities(evaluation.sets[0]) for side in ("_a", "_b"))]
        # The sets stand there once for every network.
        rows = (row for each, names in zip(evaluation.sets, cycle(keys), strict=False) for row in _rows(each, names))
        with atomic_write(self.path, SIGNATURE) as place:
            fill_table(place, header, rows, delimiter_of(self.path))
        wrote("trials", address_of(self.path))


def _qualities(data_set: EvaluatedSet) -> dict[str, Floats]:
    raw = {name: columns[:, 0] for name, columns in data_set.unit_qualities.items()}
    return raw | {f"{name}_quality": quality for name, quality in data_set.percentiles.items()}


def _rows(data_set: EvaluatedSet, keys: Sequence[str] | None) -> Iterator[list[object]]:
    trials, qualities = data_set.trials, list(_qualities(data_set).values())
    for start in range(0, len(trials.scores), CHUNK):  # as Python's numbers, all would take too much memory
        part = trials.take(np.arange(start, min(start + CHUNK, len(trials.scores))))
        columns = (part.first.tolist(), part.second.tolist(), part.mated.tolist(), part.scores.tolist())
        for first, second, mated, score in zip(*columns, strict=True):
            of_images = (_number(quality[unit]) for quality in qualities for unit in (first, second))
            subjects = (int(trials.subjects[first]), int(trials.subjects[second]))
            names = (str(first), str(second)) if keys is None else (keys[first], keys[second])
            yield [data_set.name, *names, *subjects, int(mated), _number(score), *of_images]


def _number(value: float) -> str:
    return f"{value:.9g}" if np.isfinite(value) else ""
