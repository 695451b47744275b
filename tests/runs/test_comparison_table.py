from pathlib import Path

import numpy as np
import pytest

from froq_lightning.errors import DataError
from froq_lightning.runs.comparison_table import ComparisonTable, Enrolment, template_quality

EMBEDDINGS = (np.sin(np.arange(35.0)).reshape(7, 5) + 2).astype(np.float32)
QUALITIES = np.cos(np.arange(14.0)).reshape(7, 2)
# Seven images; template 2 has two media, of two images and of one; image 6 gives no embedding.
TEMPLATES = Enrolment.of_templates(np.array([0, 0, 2, 2, 2, 1, 1]), np.array([70, 70, 10, 10, 4, 33, 9]))


def fill(table: ComparisonTable, images: list[int]) -> None:
    there = np.array([image for image in images if image != 6], dtype=np.int64)
    table.update(there, EMBEDDINGS[there], QUALITIES[there])
    table.update_missing(np.array([image for image in images if image == 6], dtype=np.int64))


@pytest.mark.parametrize("is_mapped", [False, True])
def test_images_are_their_own_templates(is_mapped: bool, tmp_path: Path) -> None:
    table = ComparisonTable(Enrolment.of_images(7), 5, 2, tmp_path if is_mapped else None)
    fill(table, [4, 2, 6])
    fill(table, [0, 1, 3, 5])
    embeddings, qualities = table.compute()
    np.testing.assert_array_equal(embeddings[:6], EMBEDDINGS[:6])
    np.testing.assert_array_equal(qualities[:6], QUALITIES[:6])
    assert np.isnan(embeddings[6]).all()
    assert np.isnan(qualities[6]).all()


@pytest.mark.parametrize("is_mapped", [False, True])
def test_a_template_is_the_sum_of_the_means_of_its_media(is_mapped: bool, tmp_path: Path) -> None:
    table = ComparisonTable(TEMPLATES, 5, 2, tmp_path if is_mapped else None)
    fill(table, list(range(7)))
    embeddings, qualities = table.compute()
    by_hand = [EMBEDDINGS[:2].mean(0), EMBEDDINGS[5], EMBEDDINGS[2:4].mean(0) + EMBEDDINGS[4]]
    np.testing.assert_allclose(embeddings, np.stack(by_hand), rtol=1e-6)
    of_templates = template_quality(qualities, TEMPLATES)
    expected = [QUALITIES[:2].mean(0), QUALITIES[5], QUALITIES[2:5].mean(0)]
    np.testing.assert_allclose(of_templates, np.stack(expected))


def test_a_template_none_of_whose_images_was_read_has_neither() -> None:
    table = ComparisonTable(TEMPLATES, 5, 2)
    fill(table, [0, 1, 2, 3, 4, 6])
    table.update_missing(np.array([5]))
    embeddings, qualities = table.compute()
    assert np.isnan(embeddings[1]).all()
    assert np.isnan(template_quality(qualities, TEMPLATES)[1]).all()
    assert np.isfinite(embeddings[[0, 2]]).all()


def test_an_image_that_a_sampler_repeats_counts_once() -> None:
    table = ComparisonTable(Enrolment.of_images(7), 5, 2)
    fill(table, list(range(7)))
    fill(table, [0, 6, 0])
    embeddings, qualities = table.compute()
    np.testing.assert_allclose(embeddings[0], EMBEDDINGS[0], rtol=1e-6)
    np.testing.assert_allclose(qualities[0], QUALITIES[0])


def test_images_that_never_arrived_are_an_error() -> None:
    table = ComparisonTable(Enrolment.of_images(7), 5, 2)
    fill(table, [0, 1, 6])
    with pytest.raises(DataError, match="images were lost: 4 of 7 never arrived"):
        table.compute()
