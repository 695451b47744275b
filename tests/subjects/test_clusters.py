"""Clusters are those of SciPy's average linkage, whatever the order of the images and the size of blocks."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, linkage

from froq_lightning.errors import ConfigurationError
from froq_lightning.subjects import clusters
from froq_lightning.subjects.choice import NOBODY
from froq_lightning.subjects.clusters import average_linkage, cluster


def faces(seed: int, subjects: int, spread: float) -> np.ndarray:
    """Embeddings of some subjects, up to six each, around a direction of their own."""
    generator = np.random.default_rng(seed)
    centres = generator.normal(size=(subjects, 8))
    counts = generator.integers(1, 7, subjects)
    noise = generator.normal(size=(counts.sum(), 8)) * spread
    return (np.repeat(centres, counts, axis=0) + noise).astype(np.float32)


def groups(labels: np.ndarray) -> set[frozenset[int]]:
    return {frozenset(np.flatnonzero(labels == label).tolist()) for label in np.unique(labels)}


SEEDS, COUNTS, SPREADS = st.integers(0, 10**6), st.integers(2, 9), st.floats(0, 1.5)


@settings(deadline=None)
@given(SEEDS, COUNTS, SPREADS, st.floats(-0.9, 0.95))
def test_clusters_are_those_of_average_linkage_by_a_matrix(
    seed: int, count: int, spread: float, same_above: float
) -> None:
    embeddings = faces(seed, count, spread)
    units = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    tree = linkage(units.astype(np.float64), method="average", metric="cosine")
    assume(np.abs(tree[:, 2] - (1 - same_above)).min() > 1e-4)  # else rounding decides
    known = groups(fcluster(tree, 1 - same_above, criterion="distance"))
    assert groups(cluster(embeddings, same_above)) == known
    assert {frozenset(members) for members in average_linkage(units, same_above)} == known


@settings(deadline=None)
@given(SEEDS, st.integers(1, 5))
def test_the_size_of_blocks_and_the_order_of_images_change_nothing(seed: int, block: int) -> None:
    embeddings = faces(seed, 6, 0.8)
    expected = cluster(embeddings, 0.5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clusters, "BLOCK", block)
        assert cluster(embeddings, 0.5).tolist() == expected.tolist()
    order = np.random.default_rng(seed).permutation(len(embeddings))
    assert {frozenset(order[list(group)].tolist()) for group in groups(cluster(embeddings[order], 0.5))} == groups(
        expected
    )


def test_numbers_follow_the_first_images_and_rows_without_direction_are_of_nobody() -> None:
    embeddings = np.array([[0, 0], [0, 2], [np.nan, 1], [5, 0], [0, 1], [np.inf, 0]], np.float32)
    assert cluster(embeddings, 0.5).tolist() == [NOBODY, 0, NOBODY, 1, 0, NOBODY]
    assert cluster(embeddings[:0], 0.5).tolist() == []


def test_equal_images_are_one_cluster() -> None:
    assert cluster(np.ones((9, 3), np.float32), 0.9).tolist() == [0] * 9


@pytest.mark.parametrize("same_above", [1, 7, -2, float("nan")])
def test_a_similarity_that_no_cosine_has_is_refused(same_above: float) -> None:
    with pytest.raises(ConfigurationError, match=r"Expected a cosine similarity in -1\.\.1"):
        cluster(np.ones((2, 2), np.float32), same_above)
