"""Embeddings beside the scores: of the same pass, a row for every image, in the order of the scores."""

from pathlib import Path

import numpy as np
import pytest

from froq_lightning.callbacks import EmbeddingWriter
from froq_lightning.callbacks.embedding_writer import _blocks
from froq_lightning.errors import ConfigurationError


@pytest.mark.parametrize("name", ["embeddings", "embeddings.csv", "embeddings.npz", "embeddings.pkl"])
def test_another_kind_of_file_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"\.npy or \.parquet file, but got '{name}'"):
        EmbeddingWriter(name)


def test_parquet_needs_pyarrow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("froq_lightning.callbacks.embedding_writer.find_spec", {}.get)
    with pytest.raises(ConfigurationError, match=r"pip install 'froq-lightning\[parquet\]'"):
        EmbeddingWriter(tmp_path / "embeddings.parquet")


@pytest.mark.parametrize("count", [0, 1, 4, 5, 9])
def test_a_sample_without_embedding_is_a_row_of_nan(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("froq_lightning.callbacks.embedding_writer.ROWS_AT_ONCE", 4)
    present = [index for index in range(count) if index % 3 != 1]
    rows = ((index, np.full(2, index, np.float32)) for index in present)
    blocks = list(_blocks(rows, count, 2))
    assert all(len(block) == 4 for block in blocks[:-1])
    table = np.concatenate([np.empty((0, 2), np.float32), *blocks])
    assert np.flatnonzero(np.isfinite(table[:, 0])).tolist() == present
    assert table[present, 1].tolist() == present
