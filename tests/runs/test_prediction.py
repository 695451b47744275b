"""No row is lost, and none is there twice, or the run says so."""

from pathlib import Path

import pytest
import torch

from froq_lightning.data.face_batch import FaceBatch, FaceSample
from froq_lightning.errors import DataError
from froq_lightning.journal.journal import Journal
from froq_lightning.runs.prediction import Prediction
from froq_lightning.runs.quality_batch import QualityBatch, ScoredBatch


def recorded(folder: Path, *processes: list[list[int]]) -> Journal:
    """Journals of processes that scored batches of samples; every sample that 3 divides failed."""
    for rank, steps in enumerate(processes):
        journal = Journal(folder / "scores.csv", rank, len(processes))
        journal.open({}, (), restart=True)
        for step in steps:
            good = [index for index in step if index % 3]
            index = torch.tensor(good, dtype=torch.int64)
            failures = tuple(FaceSample(each, f"{each}.png", None, "file is empty") for each in step if not each % 3)
            names, notes = [f"{each}.png" for each in good], [""] * len(good)
            batch = FaceBatch(torch.empty(len(good), 3, 2, 2), index, names, notes, failures=failures)
            scores = QualityBatch(index.double() / 10, index * 2, index[:, None].float().repeat(1, 4))
            journal.append(ScoredBatch.of(batch, scores).block())
        journal.close()
    return journal


def test_rows_of_all_processes_come_by_rising_index(tmp_path: Path) -> None:
    journal = recorded(tmp_path, [[0, 2], [4, 6]], [[1, 3], [5]])
    for prediction in (Prediction(journal, 7), Prediction(journal)):
        rows = list(prediction.rows())
        assert [row.image for row in rows] == [f"{index}.png" for index in range(7)]
        assert [row.quality_score for row in rows] == [None, 0.1, 0.2, None, 0.4, 0.5, None]
        assert [row.status for row in rows] == ["failed", "ok", "ok", "failed", "ok", "ok", "failed"]
        embeddings = torch.cat([torch.from_numpy(block) for block in prediction.embeddings(3)])
        assert embeddings[:, 3].nan_to_num(-1).tolist() == [-1, 1, 2, -1, 4, 5, -1]


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([[0, 1], [1, 2]], "no row, or two, for image 1"),
        ([[0, 1], [3]], "no row, or two, for image 2"),
        ([[0, 1]], "has 2 rows for 3 images"),
        ([[0, 1], [2, 3]], "has 4 rows for 3 images"),
    ],
)
def test_a_row_that_is_lost_or_doubled_is_told(steps: list[list[int]], message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        list(Prediction(recorded(tmp_path, steps), 3).rows())
