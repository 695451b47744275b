"""`froq predict --embeddings`: one pass, two answers."""

import copy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from froq_lightning import QualityScorer
from froq_lightning.backbones.spec import Backbone
from froq_lightning.cli import main

Rows = list[dict[str, str]]


@pytest.fixture
def scorer(observer: Path, shared: Path) -> QualityScorer:
    return QualityScorer.from_observer(observer, weights=str(shared / "data" / "weights" / "mobilefacenet_casia.ckpt"))


def images_of(rows: Rows, folder: Path) -> torch.Tensor:
    crops = [np.array(Image.open(folder / row["image"])) for row in rows]
    return torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2)


@pytest.fixture
def broken(faces: Path) -> Path:
    """Nine faces, and two files that hold none: one before them, one among them."""
    (faces / "Aaa.jpg").write_text("no image")
    (faces / f"{sorted(faces.glob('*.jpg'))[4].stem}_.jpg").touch()
    return faces


def test_embeddings_are_those_of_the_network_in_the_order_of_the_scores(
    broken: Path, predict: Callable[..., Rows], mobilefacenet: Backbone, tmp_path: Path
) -> None:
    file = tmp_path / "out" / "embeddings.npy"
    rows = predict(broken, tmp_path / "scores.csv", f"--embeddings={file}", "--data.batch_size=4")
    assert rows == predict(broken, tmp_path / "alone.csv", "--data.batch_size=4"), "embeddings change no score"
    embeddings = np.load(file, allow_pickle=False)
    assert embeddings.dtype == np.float32
    assert len(embeddings) == len(rows) == 11
    scored = [row["status"] == "ok" for row in rows]
    assert scored.count(False) == 2
    assert np.isnan(embeddings).all(axis=1).tolist() == [not good for good in scored]
    images = images_of([row for row in rows if row["status"] == "ok"], broken)
    expected = mobilefacenet.embed(mobilefacenet.network(mobilefacenet.preprocessing(images)))
    np.testing.assert_allclose(embeddings[scored], expected.numpy(), rtol=1e-3, atol=1e-4)
    assert {path.name for path in file.parent.iterdir()} == {"embeddings.npy"}


def test_images_of_which_none_can_be_read_give_rows_without_components(
    network: tuple[str, ...], observer: Path, tmp_path: Path
) -> None:
    (tmp_path / "faces").mkdir()
    (tmp_path / "faces" / "empty.jpg").touch()
    outputs = [f"--output={tmp_path / 'scores.csv'}", f"--embeddings={tmp_path / 'e.npy'}"]
    source = f"--data.source={tmp_path / 'faces'}"
    assert main(["predict", *network, f"--model.observer={observer}", source, *outputs]) == 1
    assert np.load(tmp_path / "e.npy", allow_pickle=False).shape == (1, 0)


def test_the_scorer_gives_both_too(
    faces: Path, scorer: QualityScorer, predict: Callable[..., Rows], mobilefacenet: Backbone, tmp_path: Path
) -> None:
    images = images_of(predict(faces, tmp_path / "scores.csv"), faces)
    alone, both = scorer(images), scorer(images, embeddings=True)
    assert alone.embeddings is None
    torch.testing.assert_close(both.quality_score, alone.quality_score, rtol=0, atol=0)
    assert both.embeddings is not None
    expected = mobilefacenet.embed(mobilefacenet.network(mobilefacenet.preprocessing(images)))
    torch.testing.assert_close(both.embeddings, expected, rtol=1e-3, atol=1e-4)
    weight = torch.ones(both.embeddings.shape[1], requires_grad=True)
    (both.embeddings @ weight).sum().backward()
    assert weight.grad is not None, "embeddings can be computed with"


def test_a_scorer_can_be_sent_to_another_process(scorer: QualityScorer) -> None:
    images = torch.randint(0, 256, (2, 3, 112, 112), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    assert torch.equal(copy.deepcopy(scorer)(images).quality_score, scorer(images).quality_score)
