import numpy as np
import pytest
from scipy.spatial.distance import cosine

from froq_lightning.errors import DataError
from froq_lightning.evaluation.comparisons import CHUNK, Trials, compare, pair_quality


def test_comparison_scores_are_cosines_whatever_the_number_of_trials() -> None:
    generator = np.random.default_rng(0)
    embeddings = generator.normal(size=(50, 16)).astype(np.float32) * 20
    first, second = generator.integers(50, size=(2, CHUNK + 7))
    scores = compare(embeddings, first, second)
    for trial in (0, 1, CHUNK - 1, CHUNK, CHUNK + 6):
        expected = 1 - cosine(embeddings[first[trial]].astype(float), embeddings[second[trial]].astype(float))
        assert scores[trial] == pytest.approx(expected, abs=1e-12)


def test_an_embedding_without_direction_gives_no_score() -> None:
    embeddings = np.array([[1, 0], [0, 0], [np.nan, 1]], dtype=np.float32)
    scores = compare(embeddings, np.array([0, 0, 0]), np.array([0, 1, 2]))
    assert scores[0] == 1
    assert np.isnan(scores[1:]).all()


def test_the_quality_of_a_pair_is_the_smaller_and_missing_where_one_is() -> None:
    quality = np.array([0.2, 0.7, np.nan])
    np.testing.assert_array_equal(pair_quality(quality, np.array([0, 1, 2]), np.array([1, 1, 0])), [0.2, 0.7, np.nan])


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(DataError, match="of one length"):
        Trials(np.ones(2), np.ones(3, dtype=bool), np.ones(2, dtype=int), np.ones(2, dtype=int), np.ones(3, dtype=int))
