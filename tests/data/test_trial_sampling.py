from collections import Counter
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from froq_lightning.data import trial_sampling
from froq_lightning.data.comparison_set import ComparisonSet
from froq_lightning.data.image_refs import RefTable
from froq_lightning.data.trial_sampling import Sampling, sample_comparisons
from froq_lightning.errors import ConfigurationError, DataError


def compare(subjects: list[int], **knobs: int) -> ComparisonSet:
    images = RefTable([str(place) for place in range(len(subjects))], Path())
    return sample_comparisons("faces", images, np.array(subjects), Sampling(**knobs))


def trials(read: ComparisonSet) -> tuple[set[frozenset[int]], set[frozenset[int]]]:
    """Mated and non-mated pairs by the keys of their images; fails on repeated ones."""
    keys = [int(image.key) for image in read.images]
    pairs = [frozenset((keys[a], keys[b])) for a, b in zip(read.first, read.second, strict=True)]
    assert len(set(pairs)) == len(pairs)
    mated = {pair for pair, is_mated in zip(pairs, read.mated, strict=True) if is_mated}
    return mated, set(pairs) - mated


@given(st.lists(st.integers(0, 4), min_size=3, max_size=14), st.integers(1, 40), st.integers(0, 9))
def test_all_mated_pairs_and_as_many_non_mated_ones_as_asked_for(subjects: list[int], wanted: int, seed: int) -> None:
    pairs = list(combinations(range(len(subjects)), 2))
    mated = {frozenset(pair) for pair in pairs if subjects[pair[0]] == subjects[pair[1]]}
    others = {frozenset(pair) for pair in pairs} - mated
    if not mated or not others:
        with pytest.raises(DataError, match="Expected faces to hold two subjects, and two images of one, but got"):
            compare(subjects, non_mated=wanted, seed=seed)
        return
    read = compare(subjects, non_mated=wanted, seed=seed)
    found, sampled = trials(read)
    assert found == mated
    assert sampled <= others
    assert len(sampled) == min(wanted, len(others))
    assert [subjects[int(image.key)] for image in read.images] == [
        sorted({subjects[int(image.key)] for image in read.images})[number] for number in read.subjects
    ]


def test_the_sample_depends_on_the_seed_alone() -> None:
    subjects = [place // 3 for place in range(60)]
    assert trials(compare(subjects, non_mated=50, seed=1)) == trials(compare(subjects, non_mated=50, seed=1))
    assert trials(compare(subjects, non_mated=50, seed=1)) != trials(compare(subjects, non_mated=50, seed=2))


def test_every_non_mated_pair_is_as_likely_as_the_others() -> None:
    subjects = [0, 0, 0, 1, 1, 2]
    drawn = Counter(pair for seed in range(1000) for pair in trials(compare(subjects, non_mated=3, seed=seed))[1])
    assert len(drawn) == 11
    expected = 1000 * 3 / 11
    assert max(abs(count - expected) for count in drawn.values()) < 5 * expected**0.5


def test_images_in_no_trial_are_left_out() -> None:
    read = compare([0, 0, *range(1, 500)], non_mated=3)
    assert 4 <= len(read.images) <= 8
    assert read.note == "all 1 mated trials, 3 of 125,249 non-mated trials sampled (seed 0)"


def test_by_default_there_are_ten_thousand_non_mated_pairs_or_as_many_as_mated_ones() -> None:
    assert (~compare([place // 2 for place in range(400)]).mated).sum() == 10_000
    many = compare([place // 200 for place in range(400)])
    assert (int(many.mated.sum()), int((~many.mated).sum())) == (39_800, 39_800)


def test_too_many_mated_pairs_are_sampled_and_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial_sampling, "MATED_AT_MOST", 50)
    read = compare([place // 20 for place in range(60)], non_mated=40)
    mated, _ = trials(read)
    assert len(mated) == 50
    assert read.note == "50 of 570 mated trials sampled, 40 of 1,200 non-mated trials sampled (seed 0)"


def test_twenty_billion_pairs_are_numbered_without_being_listed() -> None:
    subjects = np.arange(200_000) // 2
    read = sample_comparisons("faces", RefTable(subjects, Path()), subjects, Sampling(non_mated=1000))
    assert read.note == "all 100,000 mated trials, 1,000 of 19,999,800,000 non-mated trials sampled (seed 0)"
    assert (read.subjects[read.first] == read.subjects[read.second]).tolist() == read.mated.tolist()


def test_no_subject_with_two_images_is_told() -> None:
    with pytest.raises(DataError, match="but got 3 images of 3 subjects"):
        compare([0, 1, 2])
    with pytest.raises(DataError, match=r"but got 3 images of 1 subject$"):
        compare([0, 0, 0])


def test_fewer_than_one_non_mated_pair_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="Expected `non_mated` to be at least 1, but got 0"):
        Sampling(non_mated=0)
