import math

import numpy as np
import pytest

from froq_lightning.errors import DataError
from froq_lightning.evaluation.comparisons import Trials
from froq_lightning.evaluation.convention import PRESETS
from froq_lightning.evaluation.groups import GroupComparison, compare_groups
from froq_lightning.evaluation.thresholds import Targets, quality_thresholds

TARGETS = Targets(max_discard=0.2, fnmr_factor=None)


def compare(penalty: float, labels: dict[int, str] | None = None, subjects: int = 200) -> GroupComparison:
    """Compare subjects with even and odd numbers, of whom the odd ones have a lower quality by a penalty."""
    generator = np.random.default_rng(0)
    of_images = np.repeat(np.arange(subjects), 6)
    quality = generator.random(len(of_images)) - penalty * (of_images % 2)
    first = np.arange(0, len(of_images), 2)
    other = (first + 13) % len(of_images)
    scores = np.concatenate([np.where(generator.random(len(first)) < 0.05, 0.0, 0.9), np.zeros(len(first))])
    mated = np.arange(2 * len(first)) < len(first)
    trials = Trials(scores, mated, np.tile(first, 2), np.concatenate([first + 1, other]), of_images)
    names = [(labels or {}).get(subject, "odd" if subject % 2 else "even") for subject in of_images.tolist()]
    result = quality_thresholds(trials, quality, 0.5, TARGETS)
    return compare_groups("parity", names, trials, quality, result, TARGETS, PRESETS["froq"])


def test_a_threshold_that_discards_one_group_more_is_said_to_be_beyond_chance() -> None:
    groups = compare(0.3)
    even, odd = groups.groups
    assert (even.name, odd.name) == ("even", "odd")
    assert odd.after is not None
    assert even.after is not None
    assert odd.after.discarded.value > 3 * even.after.discarded.value
    assert even.median[0] < even.quality[2] < even.median[1]
    assert odd.median[1] < even.median[0]
    sentence = next(each for each in groups.differences if each.startswith("share of images discarded"))
    assert "of 'odd' against" in sentence
    assert sentence.endswith("beyond chance at 95 % confidence")


def test_groups_that_are_alike_differ_by_chance_and_their_counts_add_up() -> None:
    groups = compare(0.0)
    assert all(each.endswith("may be chance at 95 % confidence") for each in groups.differences)
    assert sum(group.before.fnmr.trials for group in groups.groups) == 600
    assert sum(group.subjects for group in groups.groups) == 200
    for group in groups.groups:
        assert group.area[0] < group.curve.area < group.area[1]
        assert group.curve.fnmr[0] == group.before.fnmr.value


def test_alike_groups_are_seldom_called_different() -> None:
    generator, called = np.random.default_rng(1), 0
    for _ in range(15):
        order = generator.permutation(200).tolist()
        labels = {subject: "ab"[place % 2] for place, subject in enumerate(order)}
        called += any("beyond chance" in each for each in compare(0.0, labels).differences)
    assert called <= 3


def test_a_group_with_one_subject_is_shown_and_nothing_is_said_of_it() -> None:
    groups = compare(0.0, {0: "lone"})
    lone = next(group for group in groups.groups if group.name == "lone")
    assert lone.subjects == 1
    assert all(map(math.isnan, (*lone.median, *lone.area)))
    assert "one subject: nothing is known of others" in lone.remark
    assert not any("lone" in each for each in groups.differences)


def test_images_without_a_group_are_in_none_and_no_group_at_all_is_refused() -> None:
    groups = compare(0.0, dict.fromkeys(range(0, 200, 2), ""))
    assert [group.name for group in groups.groups] == ["odd"]
    assert groups.differences == ("Expected two groups of two subjects or more: nothing to compare",)
    with pytest.raises(DataError, match="no image of the trials has a group in column 'parity'"):
        compare(0.0, dict.fromkeys(range(200), ""))
