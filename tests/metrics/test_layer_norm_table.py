"""The table of calibration, in one process and gathered from two."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from froq_lightning.errors import CalibrationError
from froq_lightning.metrics.layer_norm_table import CalibrationTable, LayerNormTable

LAYERS = 3


def rows_of(index: Tensor) -> tuple[Tensor, Tensor]:
    """Norms and a label that tell which sample they belong to."""
    return index[:, None] + torch.arange(LAYERS) / 10, index / 100


def add(table: LayerNormTable, index: list[int]) -> None:
    samples = torch.tensor(index)
    table.update(samples, *rows_of(samples))


def expected(count: int) -> Tensor:
    norms, labels = rows_of(torch.arange(count))
    return torch.cat([norms, labels[:, None]], dim=1)


def gather(rank: int, folder: str) -> None:
    """Fill a share of 9 samples in one of two processes, with a repeated and an unusable one, and save the whole."""
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=2)
    try:
        table = LayerNormTable(rows=5, layers=LAYERS)
        add(table, [0, 2, 4] if rank == 0 else [1, 3, 7, 0])
        if rank == 0:
            table.update_missing(torch.tensor([6]))
            add(table, [8])
        else:
            add(table, [5])
        torch.save(table.compute(), f"{folder}/rank{rank}.pt")
    finally:
        torch.distributed.destroy_process_group()


def test_rows_come_back_in_the_order_of_samples() -> None:
    table = LayerNormTable(rows=6, layers=LAYERS)
    add(table, [4, 0, 2])
    add(table, [5, 3])
    add(table, [1])
    assert torch.equal(table.compute(), expected(6))


def test_a_repeated_sample_counts_once() -> None:
    table = LayerNormTable(rows=5, layers=LAYERS)
    add(table, [0, 1, 2])
    add(table, [0, 1])
    assert torch.equal(table.compute(), expected(3))


def test_rows_that_were_never_filled_do_not_show() -> None:
    table = LayerNormTable(rows=100, layers=LAYERS)
    add(table, [1, 0])
    assert torch.equal(table.compute(), expected(2))


def test_a_sample_that_could_not_be_used_is_a_row_of_nan() -> None:
    table = LayerNormTable(rows=3, layers=LAYERS)
    add(table, [2, 0])
    table.update_missing(torch.tensor([1]))
    computed = table.compute()
    assert computed[1].isnan().all()
    assert torch.equal(computed[[0, 2]], expected(3)[[0, 2]])


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
    assert table.compute().dtype == torch.float32


def test_nothing_at_all_computes_to_no_rows() -> None:
    with pytest.warns(UserWarning, match="before the ``update`` method"):
        computed = LayerNormTable(rows=4, layers=LAYERS).compute()
    assert computed.shape == (0, LAYERS + 1)


def test_a_table_that_was_reset_starts_anew() -> None:
    table = LayerNormTable(rows=3, layers=LAYERS)
    add(table, [2, 1, 0])
    table.reset()
    add(table, [1, 0])
    assert torch.equal(table.compute(), expected(2))


def test_usable_and_missing_samples_are_told_apart() -> None:
    rows = expected(4)
    rows[2] = torch.nan
    table = CalibrationTable.from_rows(rows)
    assert table.sample_index.tolist() == [0, 1, 3]
    assert table.missing == (2,)
    assert torch.equal(table.norms, rows[[0, 1, 3], :-1])
    assert torch.equal(table.pseudo_quality, rows[[0, 1, 3], -1])


def test_a_silent_layer_does_not_cost_the_sample() -> None:
    rows = expected(4)
    rows[:, 1] = torch.nan
    assert CalibrationTable.from_rows(rows).missing == ()


@pytest.mark.skipif(not torch.distributed.is_gloo_available(), reason="needs torch built with gloo")
def test_two_processes_gather_the_same_whole_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A child process finds this module by its name below the root of the repository.
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2]))
    torch.multiprocessing.spawn(gather, args=(str(tmp_path),), nprocs=2)
    whole, other = (torch.load(tmp_path / f"rank{rank}.pt", weights_only=True) for rank in (0, 1))
    usable = [0, 1, 2, 3, 4, 5, 7, 8]
    assert torch.equal(whole[usable], expected(9)[usable])
    assert whole[6].isnan().all()
    torch.testing.assert_close(other, whole, rtol=0, atol=0, equal_nan=True)
