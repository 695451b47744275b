from hypothesis import given, settings
from hypothesis import strategies as st

from froq_lightning.callbacks.ranking import Ranking

scores = st.one_of(st.sampled_from([0.0, 1.0, 2.0]), st.floats(-1e9, 1e9))


@given(values=st.lists(scores, max_size=80), ends=st.integers(1, 6))
@settings(max_examples=200, deadline=None)
def test_the_ends_are_those_of_the_sorted_list_however_many_pass_by(values: list[float], ends: int) -> None:
    ranking: Ranking[int] = Ranking(ends)
    for index, score in enumerate(values):
        ranking.add(score, index, index)
    expected = sorted(range(len(values)), key=lambda index: (-values[index], index))
    if len(expected) > 2 * ends:
        expected = expected[:ends] + expected[-ends:]
    assert ranking.best_first() == expected
    assert ranking.seen == len(values)


@given(values=st.lists(scores, max_size=40), seed=st.randoms())
@settings(max_examples=50, deadline=None)
def test_the_order_in_which_they_pass_by_does_not_matter(values: list[float], seed: object) -> None:
    entries = list(enumerate(values))
    shuffled = entries.copy()
    seed.shuffle(shuffled)  # type: ignore[attr-defined]
    results = []
    for order in (entries, shuffled):
        ranking: Ranking[int] = Ranking(3)
        for index, score in order:
            ranking.add(score, index, index)
        results.append(ranking.best_first())
    assert results[0] == results[1]


def test_only_a_bounded_number_is_kept() -> None:
    ranking: Ranking[int] = Ranking(2)
    for index in range(10_000):
        ranking.add(float(index % 97), index, index)
        assert len(ranking._kept) < 12
    assert ranking.seen == 10_000
