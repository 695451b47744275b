"""QualityScorer: any image in, a row for each out."""

import io
import itertools
import json
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from froq_lightning import QualityScorer
from froq_lightning.cli import main
from froq_lightning.errors import ConfigurationError, ImageError, ObserverError


def array(path: Path) -> np.ndarray:
    return np.array(Image.open(path))


def tensor(path: Path) -> torch.Tensor:
    return torch.from_numpy(array(path)).permute(2, 0, 1)


FORMS: dict[str, Callable[[Path], Any]] = {
    "path": lambda path: path,
    "text": str,
    "bytes": Path.read_bytes,
    "bytearray": lambda path: bytearray(path.read_bytes()),
    "open file": lambda path: io.BytesIO(path.read_bytes()),
    "PIL image": Image.open,
    "array": array,
    "array of floats": lambda path: array(path) / 255,
    "BGR array, turned": lambda path: np.ascontiguousarray(array(path)[..., ::-1])[..., ::-1],
    "tensor": tensor,
    "tensor of floats": lambda path: tensor(path) / 255,
}


@pytest.mark.parametrize("form", FORMS)
def test_a_photograph_scores_the_same_in_whatever_form_it_comes(
    form: str, scorer: QualityScorer, photographs: list[Path]
) -> None:
    expected, row = scorer(photographs[0])[0], scorer(FORMS[form](photographs[0]))[0]
    assert row.status == "ok"
    assert row.quality_score == expected.quality_score
    assert row.image == (str(photographs[0]) if form in ("path", "text") else "0")
    assert row.reason == ("rounded to 8 bits" if "floats" in form else "")


@pytest.mark.parametrize("embeddings", [False, True])
def test_scores_are_those_of_predict_bit_for_bit(
    embeddings: bool, scorer: QualityScorer, photographs: list[Path], tmp_path: Path
) -> None:
    (tmp_path / "photos").mkdir()
    for number, photograph in enumerate(photographs):
        (tmp_path / "photos" / f"{number}.jpg").symlink_to(photograph)
    (tmp_path / "photos" / "2a.jpg").write_text("no image")
    arguments = [f"--data.source={tmp_path / 'photos'}", "--data.aligner=dlib", "--data.batch_size=4"]
    arguments += ["--output=scores.jsonl", *(["--embeddings=embeddings.npy"] if embeddings else [])]
    assert main(["predict", "--model.backbone=dlib_resnet29", *arguments]) == 0
    scores = scorer(sorted((tmp_path / "photos").iterdir()), embeddings=embeddings)
    rows = [json.loads(line) for line in (tmp_path / "scores.jsonl").read_text().splitlines()]
    assert [(row["quality_score"], row["quality"], row["status"], row["reason"]) for row in rows] == [
        row[2:6] for row in scores
    ]
    assert scores.status.count("failed") == 1
    if embeddings:
        assert scores.embeddings is not None
        np.testing.assert_array_equal(scores.embeddings.numpy(), np.load("embeddings.npy", allow_pickle=False))


BAD = {
    "nothing": (None, "expected a path, bytes, a PIL image, an array or a tensor, got NoneType"),
    "a number": (5, "got int"),
    "no bytes": (b"", "file is empty"),
    "other bytes": (b"no image", "file is no image of a known format, or damaged"),
    "no file": ("missing.jpg", "file does not exist"),
    "a folder": (".", "file is damaged or unreadable: it is a folder, pipe or device"),
    "no face": (np.zeros((90, 120, 3), np.uint8), "no face found"),
    "channels first": (
        np.zeros((3, 90, 120), np.uint8),
        r"array [H, W, 3] of RGB, uint8 or floats in 0..1, got [3, 90",
    ),
    "whole numbers": (np.zeros((90, 120, 3), np.int64), "got [90, 120, 3] int64"),
    "no pixels": (np.zeros((0, 0, 3), np.uint8), "got [0, 0, 3] uint8"),
    "an empty image": (Image.new("RGB", (0, 0)), "image is empty"),
    "NaN": (np.full((9, 9, 3), np.nan), "Expected finite values in images, but got NaN or infinite ones"),
    "grey levels as floats": (np.full((9, 9, 3), 200.0), "to be in 0..1, but got 200 to 200"),
    "a batch in a list": (torch.zeros(2, 3, 9, 9), "expected a tensor [3, H, W] of RGB, got [2, 3, 9, 9]"),
    "a mask": (
        torch.zeros(3, 9, 9, dtype=torch.bool),
        "Expected uint8 images, or floating point in 0..1, but got bool",
    ),
}


def test_bad_images_are_rows_with_a_reason_among_good_ones(scorer: QualityScorer, photographs: list[Path]) -> None:
    images = [photographs[0], *(image for image, _ in BAD.values()), photographs[1]]
    scores = scorer(images, embeddings=True)
    assert [row.status for row in scores] == ["ok", *["failed"] * len(BAD), "ok"]
    for row, (_, reason) in zip(list(scores)[1:-1], BAD.values(), strict=True):
        assert reason in row.reason
        assert (row.quality, row.quality_score) == (-1, None)
    assert scores.embeddings is not None
    assert scores.embeddings.isfinite().all(dim=1).nonzero()[:, 0].tolist() == [0, len(images) - 1]
    with pytest.raises(ImageError, match=r"^image 1: expected a path, .* got NoneType$"):
        scorer(images, strict=True)


def test_files_and_arrays_that_cannot_be_read_are_rows_and_those_of_another_byte_order_are_read(
    scorer: QualityScorer, photographs: list[Path]
) -> None:
    closed = io.BytesIO()
    closed.close()
    with photographs[0].open(encoding="utf-8") as text:
        assert scorer([closed, text]).status == ("failed", "failed")
    floats = array(photographs[0]) / 255
    expected = scorer(photographs[0]).quality_score
    for kind in (">f8", np.longdouble):
        assert scorer(floats.astype(kind)).quality_score.equal(expected)
    assert scorer(np.array([str(path) for path in photographs])).status == ("ok",) * 3


def test_strict_stops_at_the_first_batch_with_a_bad_image(scorer: QualityScorer) -> None:
    with pytest.raises(ImageError, match="image 0: file is empty"):
        scorer(itertools.repeat(b""), strict=True)


def test_a_truncated_pil_image_is_a_row_with_a_reason(scorer: QualityScorer, photographs: list[Path]) -> None:
    image = Image.open(io.BytesIO(photographs[0].read_bytes()[:4000]))
    assert "image file is truncated" in scorer(image)[0].reason


def test_a_table_prints_its_rows(scorer: QualityScorer, photographs: list[Path]) -> None:
    lines = str(scorer([photographs[0], b""])).splitlines()
    assert lines[0].split() == ["quality", "quality_score", "image", "status", "reason"]
    assert lines[2].split(maxsplit=3) == ["-1", "1", "failed", "file is empty"]
    assert str(scorer([b""] * 30)).splitlines()[-1].strip() == "… 10 more rows"


@pytest.mark.parametrize(
    "images", [[], (), iter([]), torch.zeros(0, 3, 150, 150), np.zeros((0, 150, 150, 3), np.uint8)]
)
def test_no_images_give_no_rows(images: Any, scorer: QualityScorer) -> None:
    scores = scorer(images, embeddings=True)
    assert len(scores) == len(list(scores)) == 0


def test_crops_of_the_wrong_size_say_what_to_set_and_may_be_resized(
    crop_scorer: QualityScorer, photographs: list[Path]
) -> None:
    reason = crop_scorer(photographs[0])[0].reason
    assert reason.startswith("expected a 150 x 150 crop with 'dlib' alignment, got 250 x 250; set `aligner` for")
    resizing = QualityScorer(crop_scorer.backbone, crop_scorer.observer, resize=True)
    assert resizing(photographs[0])[0].reason == "resized from 250 x 250"
    assert resizing(torch.rand(3, 90, 80))[0].reason == "rounded to 8 bits; resized from 80 x 90"


def test_crops_as_bytes_floats_and_of_mixed_types_score_alike(crop_scorer: QualityScorer) -> None:
    crops = torch.randint(0, 256, (6, 3, 150, 150), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    expected = crop_scorer(crops).quality_score
    floats = [crop.double() / 255 if number % 2 else crop for number, crop in enumerate(crops)]
    hwc = crops.permute(0, 2, 3, 1).numpy()
    for images in (crops.float() / 255, list(crops), floats, hwc, hwc / 255, (image for image in hwc)):
        torch.testing.assert_close(crop_scorer(images).quality_score, expected, rtol=1e-5, atol=1e-5)


def test_threads_share_a_scorer_and_it_can_be_pickled(scorer: QualityScorer, photographs: list[Path]) -> None:
    expected = [scorer(path).quality_score.item() for path in photographs]
    with ThreadPoolExecutor(6) as threads:
        assert [scores.quality_score.item() for scores in threads.map(scorer, photographs)] == expected
    copied: QualityScorer = pickle.loads(pickle.dumps(scorer))  # noqa: S301 - our own
    assert copied(photographs[0]).quality_score.item() == expected[0]


def test_autocast_changes_scores_a_little(crop_scorer: QualityScorer, scorer: QualityScorer) -> None:
    half = QualityScorer(scorer.backbone, scorer.observer, precision="bf16-mixed")
    crops = torch.rand(4, 3, 150, 150, generator=torch.Generator().manual_seed(0))
    difference = (half(crops).quality_score - crop_scorer(crops).quality_score).abs()
    assert 0 < difference.max() < 0.1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "Expected a `batch_size` of 1 or more, but got 0"),
        ({"precision": "64-true"}, "Expected `precision` to be one of 32-true"),
        ({"aligner": "dlip"}, "dlip.*dlib"),
        ({"depth": 5}, "depth"),
    ],
)
def test_options_that_there_are_not_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises((ConfigurationError, LookupError), match=message):
        QualityScorer.from_pretrained("dlib_resnet29", device="cpu", **options)


def test_a_backbone_without_an_observer_and_other_weights_are_refused(shared: Path, tmp_path: Path) -> None:
    pytest.importorskip("froq_mobilefacenet", reason="needs the plugin froq-mobilefacenet")
    weights = str(shared / "data" / "weights" / "mobilefacenet_casia.ckpt")
    with pytest.raises(ConfigurationError, match="'mobilefacenet' ships no observer"):
        QualityScorer.from_pretrained("mobilefacenet", weights)
    scorer = QualityScorer.from_pretrained("dlib_resnet29", device="cpu")
    scorer.observer.save(tmp_path / "observer.json")
    text = (tmp_path / "observer.json").read_text()
    (tmp_path / "observer.json").write_text(text.replace(scorer.backbone.weights.sha256, "0" * 64))
    with pytest.raises(ObserverError, match="made for another network: weights sha256"):
        QualityScorer.from_observer(tmp_path / "observer.json")
