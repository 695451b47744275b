"""Embeddings beside the scores: of the same pass, a row for every image, in the order of the scores."""

from pathlib import Path

import pytest

from froq_lightning.callbacks import QualityWriter
from froq_lightning.errors import ConfigurationError


@pytest.mark.parametrize("name", ["embeddings", "embeddings.csv", "embeddings.npz", "embeddings.pkl"])
def test_another_kind_of_file_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"\.npy or \.parquet file, but got '{name}'"):
        QualityWriter("scores.csv", name)


@pytest.mark.parametrize(("scores", "embeddings"), [("scores.csv", "e.parquet"), ("scores.parquet", None)])
def test_parquet_needs_pyarrow(
    scores: str, embeddings: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("froq_lightning.callbacks.quality_writer.find_spec", {}.get)
    with pytest.raises(ConfigurationError, match=r"pip install 'froq-lightning\[parquet\]'"):
        QualityWriter(tmp_path / scores, embeddings)
