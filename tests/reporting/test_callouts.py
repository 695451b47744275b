import numpy as np
import pytest

from froq_lightning.reporting.chart import spread_out


def test_callouts_that_have_room_stand_above_their_points() -> None:
    assert spread_out(np.array([0.2, 2.0, 1.0]), 0.3, 4.0).tolist() == [0.2, 2.0, 1.0]


def test_a_crowd_spreads_evenly_around_its_middle() -> None:
    assert spread_out(np.array([2.0, 2.0, 2.0]), 0.5, 4.0) == pytest.approx([1.5, 2.0, 2.5])


def test_a_crowd_at_the_edge_stays_within() -> None:
    assert spread_out(np.array([4.0, 3.9, 4.0]), 0.5, 4.0) == pytest.approx([3.5, 3.0, 4.0])
    assert spread_out(np.array([0.0, 0.1]), 0.5, 4.0) == pytest.approx([0.0, 0.5])


@pytest.mark.parametrize("seed", range(20))
def test_callouts_never_touch_and_keep_their_order(seed: int) -> None:
    wanted = np.random.default_rng(seed).random(10) ** 3 * 5
    found = spread_out(wanted, 0.3, 5.0)
    assert np.diff(np.sort(found)).min() > 0.3 - 1e-9
    assert (np.argsort(found) == np.argsort(wanted)).all()
    assert found.min() >= 0
    assert found.max() <= 5.0 + 1e-9
