"""Labels from other images of the subject, against a comparison of every image with every other one."""

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import cosine_similarity

from froq_lightning.backbones.spec import Backbone
from froq_lightning.errors import CalibrationError
from froq_lightning.methods.mated_similarity import MatedSimilarity, Similarities

Samples = tuple[Tensor, Tensor, Tensor]


@st.composite
def sets(draw: st.DrawFn) -> Samples:
    """Embeddings, subjects and originals; some embeddings are missing, some subjects unknown, some samples copies."""
    count = draw(st.integers(1, 14))
    embeddings = torch.randn(count, 5, generator=torch.Generator().manual_seed(draw(st.integers(0, 99))))
    embeddings[draw(st.lists(st.integers(0, count - 1), max_size=3))] = torch.nan
    subjects = torch.tensor(draw(st.lists(st.sampled_from([-1, 0, 1, 2**40]), min_size=count, max_size=count)))
    originals = torch.arange(count)
    for copy in draw(st.sets(st.integers(1, count), max_size=4)) - {count}:
        originals[copy] = originals[copy - 1]
        subjects[copy] = subjects[copy - 1]
    return embeddings, subjects, originals


def mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else math.nan


def one_by_one(embeddings: Tensor, subjects: Tensor, originals: Tensor) -> Similarities:
    """Compare every image with every other one."""
    numbers = range(len(subjects))
    known = [bool(embeddings[n].isfinite().all()) and int(subjects[n]) >= 0 for n in numbers]
    references = [n for n in numbers if known[n] and originals[n] == n]
    cosine = cosine_similarity(embeddings[:, None].double(), embeddings[None].double(), dim=2).tolist()
    mates = [[r for r in references if known[n] and subjects[r] == subjects[n] and r != originals[n]] for n in numbers]
    others = [[r for r in references if known[n] and subjects[r] != subjects[n]] for n in numbers]
    means = [[mean([cosine[n][r] for r in each]) for n, each in enumerate(sides)] for sides in (mates, others)]
    counts = torch.tensor([len(each) for each in mates])
    return Similarities(counts, *torch.tensor(means, dtype=torch.float64), originals == torch.arange(len(originals)))


@given(sets(), st.integers(1, 20))
@settings(deadline=None)
def test_sums_give_what_a_comparison_of_all_with_all_gives(samples: Samples, block: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("froq_lightning.methods.mated_similarity.BLOCK", block)
        similarities, expected = Similarities.of(*samples), one_by_one(*samples)
    assert torch.equal(similarities.mates, expected.mates)
    assert torch.equal(similarities.is_image, expected.is_image)
    for ours, theirs in ((similarities.mated, expected.mated), (similarities.non_mated, expected.non_mated)):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12, equal_nan=True)


@pytest.mark.parametrize("network", ["edgeface", "mobilefacenet"])
def test_folders_that_are_no_subjects_are_refused(
    network: str, crops: list[Any], request: pytest.FixtureRequest
) -> None:
    backbone: Backbone = request.getfixturevalue(network)
    images = torch.stack([torch.from_numpy(crop.pixels).permute(2, 0, 1) for crop in crops])
    subjects, originals = torch.arange(4).repeat_interleave(3), torch.arange(12)
    with torch.no_grad():
        embeddings = backbone.embed(backbone.run(backbone.inputs(images)))
    result = MatedSimilarity().label(embeddings, subjects, originals)
    assert (result.facts["subjects"], result.facts["mates"]) == (4, 2)
    assert result.facts["alike"] > 0.95
    shuffled = subjects[torch.randperm(len(subjects), generator=torch.Generator().manual_seed(0))]
    assert Similarities.of(embeddings, shuffled, originals).alike < 0.65
    with pytest.raises(CalibrationError, match=r"Expected 75% or more to be nearer .*, but got \d+%, .* sub-folders"):
        MatedSimilarity().label(embeddings, shuffled, originals)


@pytest.mark.parametrize(
    ("subjects", "message"),
    [
        (
            [-1, -1, -1],
            "got images without subjects; give one sub-folder per subject, a manifest with a column subject",
        ),
        ([0, 1, -1], "Expected two subjects or more, and two images of one, but got 2 images of 2 subjects;"),
        ([4, 4, 4], "but got 3 images of 1 subject;"),
    ],
)
def test_subjects_that_allow_no_labels_are_refused(subjects: list[int], message: str) -> None:
    with pytest.raises(CalibrationError, match=message):
        MatedSimilarity().label(torch.rand(3, 4), torch.tensor(subjects), torch.arange(3))
