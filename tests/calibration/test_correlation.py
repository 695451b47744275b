"""Spearman's rho beside scipy's."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy import stats

from froq_lightning.calibration import correlation
from froq_lightning.calibration.correlation import spearman

# A handful of values makes ties the rule.
TIED = npst.arrays(np.float64, st.tuples(st.integers(3, 30), st.just(4)), elements=st.integers(-3, 3).map(float))
FREE = npst.arrays(
    np.float32,
    st.tuples(st.integers(3, 30), st.just(4)),
    elements=st.floats(-1e6, 1e6, width=32, allow_subnormal=False),
)


@settings(deadline=None, max_examples=60)  # the first call of scipy is slow
@given(TIED | FREE, st.sampled_from([30, correlation.BLOCK]))
def test_rho_is_that_of_scipy_for_every_column(table: np.ndarray, block: int) -> None:
    assume(all(len(set(column)) > 1 for column in table.T))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(correlation, "BLOCK", block)
        ours = spearman(torch.from_numpy(table[:, :3]), torch.from_numpy(table[:, 3]))
    theirs = [stats.spearmanr(table[:, column], table[:, 3]).statistic for column in range(3)]
    assert ours.tolist() == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize("constant", ["column", "reference"])
def test_rho_with_a_constant_is_nan(constant: str) -> None:
    rising, flat = torch.arange(12.0), torch.ones(12)
    pair = (flat, rising) if constant == "column" else (rising, flat)
    assert spearman(*pair).isnan()
