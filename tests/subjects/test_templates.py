import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from froq_lightning.subjects.templates import join_templates, quality_weights


@settings(deadline=None)
@given(st.integers(0, 10**6), st.lists(st.integers(0, 3), min_size=1, max_size=12))
def test_a_template_is_the_weighted_mean_of_directions_at_unit_length(seed: int, subjects: list[int]) -> None:
    generator = np.random.default_rng(seed)
    numbers = np.unique(subjects, return_inverse=True)[1]
    embeddings = generator.normal(size=(len(subjects), 5)).astype(np.float32) * generator.uniform(0.1, 9)
    weights = quality_weights(generator.integers(0, 101, len(subjects)).astype(float))
    joined = join_templates(embeddings, weights, numbers)
    for subject in range(numbers.max() + 1):
        mean = sum(
            weight * vector / np.linalg.norm(vector)
            for weight, vector, number in zip(weights, embeddings.astype(float), numbers, strict=True)
            if number == subject
        )
        np.testing.assert_allclose(joined[subject], mean / np.linalg.norm(mean), atol=1e-6)


def test_the_length_of_an_embedding_does_not_count_and_quality_does() -> None:
    embeddings = np.array([[9, 0], [0, 1]], np.float32)
    equal, better = (
        join_templates(embeddings, quality_weights(np.array(q)), np.zeros(2, int)) for q in ([50, 50], [90, 10])
    )
    np.testing.assert_allclose(equal, [[0.5**0.5, 0.5**0.5]], atol=1e-6)
    assert better[0, 0] > better[0, 1] > 0


def test_weights_are_above_0_and_rise_with_quality_unless_all_weigh_alike() -> None:
    weights = quality_weights(np.arange(101.0))
    assert 0 < weights[0] < weights[1] < weights[100] == 1
    assert set(quality_weights(np.arange(101.0), power=0)) == {1}


def test_without_images_there_are_no_templates() -> None:
    assert join_templates(np.empty((0, 3), np.float32), np.empty(0), np.empty(0, int)).shape == (0, 3)


def test_directions_that_cancel_each_other_out_give_no_template() -> None:
    opposite = np.array([[1, 0], [-1, 0]], np.float32)
    assert np.isnan(join_templates(opposite, np.ones(2), np.zeros(2, int))).all()
