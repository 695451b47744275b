"""Embeddings beside the scores: of the same pass, a row for every image, in the order of the scores."""

from pathlib import Path

import pytest

from froq_lightning.callbacks import QualityWriter
from froq_lightning.errors import ConfigurationError


@pytest.mark.parametrize("name", ["embeddings", "embeddings.csv", "embeddings.npz", "embeddings.pkl"])
def test_another_kind_of_file_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"\.npy or \.parquet file, but got '{name}'"):
        QualityWriter("scores.csv", name)


@pytest.mark.parametrize("kind", ["embedding", "score"])
def test_parquet_needs_pyarrow(kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(f"froq_lightning.callbacks.{kind}_file.find_spec", {}.get)
    scores, embeddings = ("scores.csv", "e.parquet") if kind == "embedding" else ("scores.parquet", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'froq-lightning\[parquet\]'"):
        QualityWriter(tmp_path / scores, embeddings)
