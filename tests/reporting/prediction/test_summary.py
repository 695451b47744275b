"""What one pass over the rows of a prediction tells."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from froq_lightning.callbacks.ranked_run import Ranking
from froq_lightning.data.image_refs import ImageRef
from froq_lightning.reporting.prediction_summary import PredictionSummary, summarise
from froq_lightning.runs.prediction import Prediction
from froq_lightning.runs.quality_batch import ScoredRow

SUBJECTS = ("Ann", "Ann", "", "Bob", "Ann", "Cy", "Cy")
SCORES = (0.2, 0.9, 5.0, None, 0.9, -3.0, None)


@given(qualities=st.lists(st.integers(0, 100), min_size=1, max_size=60), share=st.sampled_from([0.25, 0.5, 0.75]))
@settings(max_examples=200, deadline=None)
def test_a_quantile_is_a_quality_that_the_share_has_or_stays_below(qualities: list[int], share: float) -> None:
    summary = PredictionSummary(Ranking(1))
    for index, quality in enumerate(qualities):
        summary.add(ScoredRow(index, f"{index}.jpg", float(quality), quality, "ok", ""), "")
    quantile = summary.quantile(share)
    assert quantile in qualities
    assert np.mean(np.array(qualities) <= quantile) >= share > np.mean(np.array(qualities) < quantile)


def test_the_best_image_of_a_subject_is_the_first_with_its_highest_score(
    with_rows: Callable[[list[ScoredRow]], Prediction],
) -> None:
    images = [ImageRef(f"{at}.jpg", Path(f"{at}.jpg"), subject=subject) for at, subject in enumerate(SUBJECTS)]
    rows = [
        ScoredRow(at, f"{at}.jpg", score, -1 if score is None else 50, "failed" if score is None else "ok", "")
        for at, score in enumerate(SCORES)
    ]
    best_shots = summarise(with_rows(rows), images, ends=2).best_shots
    found = {name: (best.images, None if best.row is None else best.row.image) for name, best in best_shots.items()}
    assert found == {"Ann": (3, "1.jpg"), "Bob": (1, None), "Cy": (2, "5.jpg")}
    assert summarise(with_rows(rows), None, ends=2).best_shots == {}
