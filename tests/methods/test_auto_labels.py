"""Which labels a set gets without being asked, and why."""

import pytest
import torch
from torch import Tensor

from froq_lightning.errors import CalibrationError
from froq_lightning.methods.auto_labels import ENOUGH_SUBJECTS, AutoLabels
from froq_lightning.methods.mated_similarity import MatedSimilarity
from froq_lightning.methods.pseudo_mated_similarity import PseudoMatedSimilarity

Samples = tuple[Tensor, Tensor, Tensor]


def samples(subjects: int, *, alike: bool = True, copies: int = 1, images: int = 2) -> Samples:
    """Embeddings beside those of versions, subjects and originals: images of every subject, each with its copies."""
    generator = torch.Generator().manual_seed(5)
    faces = torch.randn(subjects if alike else subjects * images, 16, generator=generator)
    faces = faces.repeat_interleave(images if alike else 1, dim=0).repeat_interleave(1 + copies, dim=0)
    embeddings = torch.cat([faces + 0.3 * torch.randn(faces.shape, generator=generator) for _ in range(2)], dim=1)
    numbers = torch.arange(len(embeddings))
    return embeddings, numbers // (images * (1 + copies)), numbers // (1 + copies) * (1 + copies)


def test_enough_subjects_give_labels_from_mates() -> None:
    embeddings, subjects, originals = samples(ENOUGH_SUBJECTS)
    result = AutoLabels().label(embeddings, subjects, originals)
    expected = MatedSimilarity().label(embeddings[:, :16], subjects, originals)
    assert torch.equal(result.labels, expected.labels)
    assert result.facts == {"method": "mated", "why": "25 subjects have mates", **expected.facts}
    assert result.reason(-1) == "its subject is not known"


def without_first_image(set_of: Samples) -> Samples:
    """Of the first subject, one image cannot be used."""
    embeddings = set_of[0].clone()
    embeddings[:2] = torch.nan
    return (embeddings, *set_of[1:])


def without_subjects(set_of: Samples) -> Samples:
    return set_of[0], torch.full_like(set_of[1], -1), set_of[2]


def with_strangers(set_of: Samples, count: int) -> Samples:
    """Beside the subjects, so many that have one image each, and its copy."""
    embeddings, subjects, originals = samples(count, images=1)
    known = len(set_of[0])
    more = (embeddings, subjects + 1000, originals + known)
    return (torch.cat([set_of[0], more[0]]), torch.cat([set_of[1], more[1]]), torch.cat([set_of[2], more[2]]))


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (without_subjects(samples(30)), "no subjects are known"),
        (samples(24), "24 subjects have two images or more, and `mated` wants 25"),
        (samples(40, images=1), "0 subjects have two images or more, and `mated` wants 25"),  # a copy is no mate
        (without_first_image(samples(25)), "24 subjects have two images or more, and `mated` wants 25"),
        (with_strangers(samples(30), 61), "of 121 images only 60 have another of the same subject"),
        (samples(30, alike=False), "images of one subject are hardly more alike than others: Expected 75% or more"),
    ],
    ids=["unknown", "few", "one image each", "one failed", "mostly single", "no subjects"],
)
def test_other_sets_get_labels_from_altered_versions_with_the_reason(given: Samples, why: str) -> None:
    result = AutoLabels().label(*given)
    expected = PseudoMatedSimilarity().label(*given)
    torch.testing.assert_close(result.labels, expected.labels, rtol=0, atol=0, equal_nan=True)
    assert result.facts["method"] == "pseudo_mated"
    assert result.facts["why"].startswith(why)
    assert set(result.facts) == {"method", "why"}
    assert result.reason(-1) == "the image that it is a copy of could not be used"


def test_sets_that_allow_neither_are_refused_before_an_image_is_read() -> None:
    _, subjects, originals = samples(24, copies=0)
    with pytest.raises(CalibrationError, match=r"leave data\.degrade\.copies out or set it to 1"):
        AutoLabels().require_mates(subjects, originals)
    AutoLabels().require_mates(*samples(25, copies=0)[1:])
    AutoLabels().require_mates(*samples(1)[1:])


def test_folders_that_turn_out_to_be_no_subjects_are_refused_if_there_are_no_copies() -> None:
    with pytest.raises(CalibrationError, match=r"Expected degraded copies of the images"):
        AutoLabels().label(*samples(30, alike=False, copies=0))
