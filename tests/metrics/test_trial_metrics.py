"""The metrics of comparison trials give in pieces, and on two processes, what the function gives of the whole."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torchmetrics import Metric

from froq_lightning.errors import ConfigurationError, DataError
from froq_lightning.evaluation.comparisons import Trials
from froq_lightning.evaluation.convention import create_convention
from froq_lightning.evaluation.edc import error_versus_discard
from froq_lightning.evaluation.error_rates import false_non_match_rate, threshold_at_fmr
from froq_lightning.evaluation.rce import rank_consistency
from froq_lightning.metrics import ErrorVersusDiscard, FalseNonMatchRate, RankConsistency

FMR = 0.05
COUNT = 600


def columns() -> dict[str, Tensor]:
    """Trials between 80 images, the same in every process."""
    generator = np.random.default_rng(5)
    quality = generator.random(80)
    first = generator.integers(80, size=COUNT)
    second = (first + generator.integers(1, 80, size=COUNT)) % 80
    mated = generator.random(COUNT) < 0.4
    least = np.minimum(quality[first], quality[second])
    scores = generator.normal(np.where(mated, 0.2 + 0.4 * least, 0), 0.15).clip(-1, 1)
    values = {"scores": scores, "mated": mated, "first": first, "second": second, "quality": quality, "least": least}
    return {name: torch.from_numpy(value) for name, value in values.items()}


def feed(metric: Metric, part: slice) -> None:
    result = columns()
    scores, mated, first, second, quality, least = result.values()
    scores, mated, first, second, least = (column[part] for column in (scores, mated, first, second, least))
    if isinstance(metric, ErrorVersusDiscard):
        metric.update(scores, mated, least)
    elif isinstance(metric, FalseNonMatchRate):
        metric.update(scores, mated)
    else:
        metric.update(scores, mated, (first, second), (quality[first], quality[second]))


def expected(metric: Metric) -> float:
    scores, mated, first, second, quality, least = (column.numpy() for column in columns().values())
    if isinstance(metric, ErrorVersusDiscard):
        return error_versus_discard(scores, mated, least, metric.convention, FMR).area
    if isinstance(metric, FalseNonMatchRate):
        return false_non_match_rate(scores[mated], threshold_at_fmr(scores[~mated], FMR))
    return rank_consistency(Trials(scores, mated, first, second, np.arange(80)), quality, FMR, metric.gamma)  # type: ignore[arg-type]


BUILT: dict[str, Callable[[], Metric]] = {
    "froq": lambda: ErrorVersusDiscard("froq", FMR),
    "cr-fiqa": lambda: ErrorVersusDiscard("cr-fiqa", FMR),
    "iso": lambda: ErrorVersusDiscard({"preset": "iso", "limit": 0.2}, FMR),
    "fnmr": lambda: FalseNonMatchRate(FMR),
    "rce": lambda: RankConsistency(fmr=FMR),
}


@pytest.mark.parametrize("name", BUILT)
def test_batches_give_what_the_function_gives_of_all_trials(name: str) -> None:
    metric = BUILT[name]()
    for start in range(0, COUNT, 128):
        feed(metric, slice(start, start + 128))
    assert float(metric.compute()) == expected(metric)
    metric.reset()
    feed(metric, slice(0, COUNT))
    assert float(metric.compute()) == expected(metric)


@pytest.mark.parametrize("name", BUILT)
def test_trials_without_a_score_do_not_count(name: str) -> None:
    metric = BUILT[name]()
    feed(metric, slice(0, COUNT))
    nan, flags, numbers = torch.full((2,), torch.nan), torch.tensor([0, 1]), torch.tensor([3, 4])
    arguments: dict[str, tuple[Any, ...]] = {"fnmr": (), "rce": ((numbers, numbers), (nan, nan))}
    metric.update(nan, flags, *arguments.get(name, (nan,)))
    assert float(metric.compute()) == expected(metric)


def test_arguments_of_different_lengths_are_refused() -> None:
    with pytest.raises(DataError, match=r"one length, but got shapes \[\(2,\), \(3,\)\]"):
        FalseNonMatchRate().update(torch.ones(3), torch.ones(2))


def test_a_convention_without_a_curve_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="'rce' has no curve; use RankConsistency"):
        ErrorVersusDiscard("rce")
    assert ErrorVersusDiscard(create_convention("iso").name).convention == create_convention("iso")


def gather(rank: int) -> dict[str, Tensor]:
    values = {}
    for name, build in BUILT.items():
        uneven, alone = build(), build()
        feed(uneven, slice(0, 470) if rank == 0 else slice(470, COUNT))
        if rank == 1:
            feed(alone, slice(0, COUNT))
        else:
            alone._update_count = 1  # this process was given no batch, and says so no more
        values[name] = torch.stack([uneven.compute(), alone.compute()])
    return values


@pytest.mark.slow
def test_two_processes_give_the_same_even_if_one_has_no_trials(
    in_two_processes: Callable[[Callable[[int], Any]], list[Any]],
) -> None:
    for values in in_two_processes(gather):
        for name, build in BUILT.items():
            assert values[name].tolist() == [pytest.approx(expected(build()), abs=1e-12)] * 2
