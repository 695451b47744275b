"""Metrics of pyiqa beside their formulas, on real faces."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from froq_pyiqa.quality import PyiqaQuality
from scipy.ndimage import correlate, gaussian_filter
from torch import Tensor

from froq_lightning.backbones.spec import Backbone, Preprocessing
from froq_lightning.cli import main
from froq_lightning.conformance import check_method

pytest.importorskip("pyiqa", reason="needs pyiqa: pip install 'froq-pyiqa[pyiqa]'")


def luma(face: Tensor) -> np.ndarray:
    return (face.double().numpy() * np.array([0.299, 0.587, 0.114])[:, None, None]).sum(axis=0)


def entropy(face: Tensor) -> float:
    """Of the grey levels, in bits."""
    _, counts = np.unique(luma(face).round(), return_counts=True)
    shares = counts / counts.sum()
    return float(-(shares * np.log2(shares)).sum())


def piqe(face: Tensor) -> float:
    """Venkatanath et al., NCC 2015, with the constants of MATLAB's `piqe`."""
    grey = np.round(255 * luma(face) / luma(face).max())
    offsets = np.mgrid[-3:4, -3:4]
    kernel = np.exp(-(offsets**2).sum(axis=0) / (2 * (7 / 6) ** 2))
    mean, square = (correlate(values, kernel / kernel.sum(), mode="nearest") for values in (grey, grey**2))
    normalised = (grey - mean) / (np.sqrt(np.abs(square - mean**2)) + 1)
    distortion, active = 0.0, 0
    for row in range(0, 112, 16):
        for column in range(0, 112, 16):
            block = normalised[row : row + 16, column : column + 16]
            variance = block.var(ddof=1)
            if variance <= 0.1:
                continue
            active += 1
            edges = (block[0], block[-1], block[:, 0], block[:, -1])
            segments = [edge[at : at + 6] for edge in edges for at in range(11)]
            distortion += (1 - variance) * any(segment.std(ddof=1) < 0.1 for segment in segments)
            # As in MATLAB's code, what surrounds the columns 7 and 8 is all but 7 and 9.
            ratio = block[:, 7:9].std(ddof=1) / np.delete(block, [7, 9], axis=1).std(ddof=1)
            deviation = np.sqrt(variance)
            distortion += variance * bool(deviation > 2 * abs(deviation - ratio) / max(deviation, ratio))
    return 100 * (distortion + 1) / (active + 1)


def test_entropy_is_that_of_the_grey_levels(faces: Tensor, backbone: Backbone) -> None:
    scores = PyiqaQuality("entropy").score(backbone, faces)
    assert scores.dtype == torch.float64
    assert scores.tolist() == pytest.approx([entropy(face) for face in faces], abs=1e-4)


def test_piqe_is_negative_since_lower_is_better(faces: Tensor, backbone: Backbone) -> None:
    scores = PyiqaQuality().score(backbone, faces)
    assert scores.tolist() == pytest.approx([-piqe(face) for face in faces], rel=1e-4)


def test_a_blurred_face_scores_lower(faces: Tensor, backbone: Backbone) -> None:
    blurred = torch.from_numpy(gaussian_filter(faces.numpy(), (0, 0, 3, 3)))
    assert bool((PyiqaQuality().score(backbone, blurred) < PyiqaQuality().score(backbone, faces)).all())


@pytest.mark.parametrize("metric", ["piqe", "entropy"])
def test_it_keeps_the_contract(metric: str, faces: Tensor, backbone: Backbone) -> None:
    check_method(PyiqaQuality(metric), backbone, faces)


def test_the_networks_preprocessing_does_not_count(faces: Tensor, backbone: Backbone) -> None:
    other = Backbone.with_weights(backbone.network, Preprocessing(channel_order="BGR", mean=(0.2,) * 3), None)
    assert torch.equal(PyiqaQuality().score(other, faces), PyiqaQuality().score(backbone, faces))


def test_precision_of_the_trainer_does_not_count(faces: Tensor, backbone: Backbone) -> None:
    with torch.autocast("cpu", torch.bfloat16):
        scores = PyiqaQuality().score(backbone, faces)
    assert torch.equal(scores, PyiqaQuality().score(backbone, faces))


def test_an_image_of_one_colour_has_no_score_and_costs_the_others_nothing(faces: Tensor, backbone: Backbone) -> None:
    scores = PyiqaQuality().score(backbone, torch.cat([faces[:1], torch.zeros_like(faces[:1]), faces[1:2]]))
    assert scores.isnan().tolist() == [False, True, False]
    assert torch.equal(scores[[0, 2]], PyiqaQuality().score(backbone, faces[:2]))


@pytest.mark.slow
def test_it_stands_in_the_table_of_a_test(shared: Path, tmp_path: Path) -> None:
    header, *trials = (shared / "data" / "pairs_cross_quality.csv").read_text().splitlines()
    by_kind = [[row for row in trials if row.endswith(kind)] for kind in (",1", ",0")]
    source, results = tmp_path / "pairs.csv", tmp_path / "results.csv"
    source.write_text("\n".join([header, *by_kind[0][:40], *by_kind[1][:40]]))
    weights = shared / "data" / "weights" / "edgeface_xxs.safetensors"
    arguments = [
        "test",
        "--model.backbone=timm",
        f"--model.backbone_options={{architecture: edgenext_xx_small, weights: {weights}}}",
        "--model.methods=[{method: pyiqa, metric: piqe}, {method: pyiqa, metric: entropy}, random]",
        "--model.metrics.fmr=[0.03]",
        *("--trainer.accelerator=cpu", "--trainer.enable_progress_bar=false", "--data.workers=0", "--report=false"),
        *(f"--data.source={source}", f"--data.root={shared / 'data'}", f"--output={results}"),
    ]
    assert main(arguments) == 0
    methods = {row["method"] for row in csv.DictReader(results.read_text().splitlines())}
    assert methods == {"pyiqa (metric=piqe)", "pyiqa (metric=entropy)", "random"}
