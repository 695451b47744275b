"""Spearman's rho beside scipy's, and what must not change it."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy import stats

from froq_lightning.calibration.correlation import mid_ranks, spearman

# A handful of values makes ties the rule; no deadline, since the first call of scipy is slow.
TIED = npst.arrays(np.float64, st.tuples(st.integers(3, 30), st.just(4)), elements=st.integers(-3, 3).map(float))
FREE = npst.arrays(
    np.float32,
    st.tuples(st.integers(3, 30), st.just(4)),
    elements=st.floats(-1e6, 1e6, width=32, allow_subnormal=False),
)
relaxed = settings(deadline=None, max_examples=60)


@relaxed
@given(TIED | FREE)
def test_ranks_are_those_of_scipy(table: np.ndarray) -> None:
    assert np.array_equal(mid_ranks(torch.from_numpy(table)).numpy(), stats.rankdata(table, axis=0))


@relaxed
@given(TIED | FREE)
def test_rho_is_that_of_scipy_for_every_column(table: np.ndarray) -> None:
    assume(all(len(set(column)) > 1 for column in table.T))
    ours = spearman(torch.from_numpy(table[:, :3]), torch.from_numpy(table[:, 3]))
    theirs = [stats.spearmanr(table[:, column], table[:, 3]).statistic for column in range(3)]
    assert ours.tolist() == pytest.approx(theirs, abs=1e-12)


@relaxed
@given(TIED, st.randoms(use_true_random=False))
def test_the_order_of_images_does_not_matter(table: np.ndarray, random: object) -> None:
    values = torch.from_numpy(table)
    shuffled = list(range(len(values)))
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    before, after = spearman(values, values[:, 0]), spearman(values[shuffled], values[shuffled, 0])
    torch.testing.assert_close(after, before, rtol=0, atol=1e-12, equal_nan=True)


@relaxed
@given(TIED)
def test_a_rising_function_keeps_rho_and_a_falling_one_turns_its_sign(table: np.ndarray) -> None:
    values = torch.from_numpy(table)
    rho = spearman(values, values[:, 0])
    torch.testing.assert_close(spearman(values.exp() * 3 - 7, values[:, 0]), rho, rtol=0, atol=1e-12, equal_nan=True)
    torch.testing.assert_close(spearman(-values, values[:, 0]), -rho, rtol=0, atol=1e-12, equal_nan=True)


@relaxed
@given(TIED | FREE)
def test_rho_stays_within_its_range(table: np.ndarray) -> None:
    rho = spearman(torch.from_numpy(table), torch.from_numpy(table[:, 0])).nan_to_num(0)
    assert bool(((rho >= -1) & (rho <= 1)).all())


def test_many_columns_at_once_are_each_column_alone() -> None:
    table = torch.rand(20, 6, generator=torch.Generator().manual_seed(0))
    alone = torch.stack([spearman(table[:, column], table[:, 0]) for column in range(6)])
    assert torch.equal(spearman(table, table[:, 0]), alone)


@pytest.mark.parametrize("constant", ["column", "reference"])
def test_rho_with_a_constant_is_nan(constant: str) -> None:
    rising, flat = torch.arange(12.0), torch.ones(12)
    pair = (flat, rising) if constant == "column" else (rising, flat)
    assert spearman(*pair).isnan()
