"""The table of calibration, in one process and gathered from two."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from froq_lightning.errors import CalibrationError
from froq_lightning.metrics.layer_norm_table import CalibrationTable, LayerNormTable

LAYERS, DIMENSION = 3, 5
# What two processes see: usable and missing samples of each. Of a sample that both see, the first one's row counts.
SHARES: dict[str, tuple[tuple[list[int], list[int]], ...]] = {
    "uneven": (([0, 2, 4, 8], [6]), ([1, 3, 7, 5], [])),
    "repeated": (([0, 2, 4, 8], [6]), ([1, 3, 7, 0, 5, 6], [])),
    "all_missing": (([0, 1, 2, 3, 4, 5, 7, 8], []), ([], [6])),
    "none": (([8, 0, 1, 2, 3, 4, 5, 7], [6]), ([], [])),
}


def rows_of(index: Tensor) -> tuple[Tensor, Tensor]:
    """Norms and a label that tell which sample they belong to."""
    return index[:, None] + torch.arange(LAYERS) / 10, index / 100


def facts_of(index: Tensor) -> tuple[Tensor, Tensor]:
    """Subjects and originals beyond what float32 can tell apart, and embeddings, that tell which sample they are of."""
    return torch.stack([2**40 + index, 2**53 - index]), index[:, None] + torch.arange(DIMENSION) / 8


def add(table: LayerNormTable, index: list[int]) -> None:
    samples = torch.tensor(index, dtype=torch.int64)
    table.update(samples, *rows_of(samples))


def add_whole(table: LayerNormTable, index: list[int]) -> None:
    """Add samples with all that may come with them."""
    samples = torch.tensor(index, dtype=torch.int64)
    if len(samples):
        table.update(samples, *rows_of(samples), *facts_of(samples))


def expected(count: int) -> np.ndarray:
    norms, labels = rows_of(torch.arange(count))
    return torch.cat([norms, labels[:, None]], dim=1).numpy()


def gather(rank: int) -> dict[str, list[Tensor]]:
    """Fill shares of 9 samples in one of two processes, and return the whole tables."""
    tables = {}
    for name, shares in SHARES.items():
        table = LayerNormTable(rows=9, layers=LAYERS)
        usable, missing = shares[rank]
        table.update_missing(torch.tensor(missing, dtype=torch.int64))
        add_whole(table, usable)
        norms = torch.from_numpy(table.compute())
        tables[name] = [norms, table.all_origins(), table.all_embeddings(DIMENSION)]
    return tables


@pytest.mark.parametrize(
    "batches",
    [[[4, 0, 2], [5, 3], [1]], [[0, 1, 2], [0, 1]], [[1, 0]]],
    ids=["out of order", "repeated", "fewer than announced"],
)
def test_rows_come_back_once_each_in_the_order_of_samples(
    batches: list[list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("froq_lightning.metrics.layer_norm_table.BLOCK", 7)  # gathered a few columns at a time
    table = LayerNormTable(rows=6, layers=LAYERS)
    for batch in batches:
        add(table, batch)
    table.compute()[:] = 0  # the table does not share memory with what it returned
    assert np.array_equal(table.compute(), expected(1 + max(map(max, batches))))


def test_subjects_originals_and_embeddings_come_back_too() -> None:
    table = LayerNormTable(rows=5, layers=LAYERS)
    table.update_missing(torch.tensor([3]))
    add(table, [4])
    add_whole(table, [2, 0, 1])
    origins, embeddings = facts_of(torch.arange(3))
    assert table.all_origins().tolist() == [*origins.T.tolist(), [-1, 3], [-1, 4]]
    assert torch.equal(table.all_embeddings(DIMENSION)[:3], embeddings)
    assert bool(table.all_embeddings(DIMENSION)[3:].isnan().all())
    assert np.array_equal(table.compute()[[0, 1, 2, 4]], expected(5)[[0, 1, 2, 4]])
    assert np.isnan(table.compute()[3]).all()
    table.reset()
    add(table, [0])
    assert np.array_equal(table.compute(), expected(1))
    assert table.all_origins().tolist() == [[-1, 0]]
    assert bool(table.all_embeddings(DIMENSION).isnan().all())


def test_samples_that_were_lost_are_an_error() -> None:
    table = LayerNormTable(rows=3, layers=LAYERS)
    add(table, [0, 1, 5])
    with pytest.raises(CalibrationError, match="samples were lost: 3 arrived, the highest index is 5"):
        table.compute()


def test_more_samples_than_announced_are_an_error() -> None:
    table = LayerNormTable(rows=2, layers=LAYERS)
    with pytest.raises(CalibrationError, match="Expected at most 2 samples, but got 3"):
        add(table, [0, 1, 2])


def test_half_precision_norms_are_kept_as_float32() -> None:
    table = LayerNormTable(rows=1, layers=LAYERS)
    table.update(torch.tensor([0]), torch.ones(1, LAYERS, dtype=torch.float64), torch.ones(1, dtype=torch.float16))
    assert table.compute().dtype == np.float32


def test_nothing_at_all_computes_to_no_rows() -> None:
    with pytest.warns(UserWarning, match="before the ``update`` method"):
        computed = LayerNormTable(rows=4, layers=LAYERS).compute()
    assert computed.shape == (0, LAYERS + 1)


@pytest.mark.parametrize("lost", [[2], [0, 3], []])
def test_usable_and_missing_samples_are_told_apart(lost: list[int]) -> None:
    rows = expected(4)
    rows[lost] = np.nan
    usable = [sample for sample in range(4) if sample not in lost]
    table = CalibrationTable.from_rows(rows)
    assert table.sample_index.tolist() == usable
    assert table.missing == tuple(lost)
    assert np.array_equal(table.norms, expected(4)[usable, :-1])
    assert np.array_equal(table.pseudo_quality, expected(4)[usable, -1])


def test_a_silent_layer_does_not_cost_the_sample() -> None:
    rows = expected(4)
    rows[:, 1] = np.nan
    assert CalibrationTable.from_rows(rows).missing == ()


@pytest.mark.slow
def test_gathering_and_ranking_take_little_more_memory_than_the_table() -> None:
    benchmark = Path(__file__).parents[2] / "benchmarks" / "table.py"
    size = ("--images", "300000", "--layers", "40", "--processes", "1")
    run = [sys.executable, str(benchmark), *size]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    printed = subprocess.run(run, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout
    peak, part, whole = (float(cell) for cell in printed.splitlines()[-1].split("|")[4:7])
    assert peak < part + whole + 250


@pytest.fixture(scope="module")
def gathered(in_two_processes: Callable[[Callable[[int], Any]], list[Any]]) -> list[Any]:
    """What two processes made of their shares."""
    return in_two_processes(gather)


@pytest.mark.slow
@pytest.mark.parametrize("name", SHARES)
def test_two_processes_gather_the_same_whole_table(name: str, gathered: list[Any]) -> None:
    usable, (origins, embeddings) = [0, 1, 2, 3, 4, 5, 7, 8], facts_of(torch.arange(9))
    for tables in gathered:
        norms, all_origins, all_embeddings = (column.numpy() for column in tables[name])
        assert np.array_equal(norms[usable], expected(9)[usable])
        assert np.array_equal(all_origins[usable], origins.T[usable])
        assert np.array_equal(all_embeddings[usable], embeddings[usable])
        assert all_origins[6].tolist() == [-1, 6]
        assert np.isnan(norms[6]).all()
        assert np.isnan(all_embeddings[6]).all()
