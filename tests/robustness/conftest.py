"""Calibrations and evaluations of tensors, as the verbs run them on files."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from froq_lightning.backbones.spec import Backbone
from froq_lightning.calibration.backbone_identity import BackboneIdentity
from froq_lightning.calibration.budget import Budget
from froq_lightning.data.comparison_set import ComparisonSet
from froq_lightning.data.face_batch import FaceBatch
from froq_lightning.data.face_dataset import TrialDataset
from froq_lightning.data.image_refs import ImageRef
from froq_lightning.evaluation.evaluate import MetricOptions
from froq_lightning.evaluation.outcome import Evaluation
from froq_lightning.methods.registry import create_method
from froq_lightning.methods.scoring import MethodScorer
from froq_lightning.runs.calibration_run import Calibration, CalibrationRun, Labelling
from froq_lightning.runs.evaluation_run import EvaluationRun

PERTURBATION = {"method": "perturbation", "noise": 2, "occlusion": 2}


def batches(images: Tensor, size: int) -> list[FaceBatch]:
    parts = torch.arange(len(images)).split(size)
    return [FaceBatch(images[part], part, [f"{number}.png" for number in part], [""] * len(part)) for part in parts]


@pytest.fixture(scope="session")
def calibrated() -> Callable[..., Calibration]:
    """Calibrates a backbone on images, labelled by perturbation."""

    def calibrate(backbone: Backbone, images: Tensor, size: int = 5) -> Calibration:
        labelling = Labelling("perturbation", create_method(PERTURBATION))
        with torch.inference_mode():  # as in the Trainer's loops
            run = CalibrationRun(backbone, labelling, len(images), torch.device("cpu"))
            for batch in batches(images, size):
                run.add(batch)
            return run.finish(BackboneIdentity.of(backbone, "odd", {}, "none", "1"), "paper", Budget(), None)

    return calibrate


@pytest.fixture(scope="session")
def evaluated() -> Callable[..., Evaluation]:
    """Evaluates a backbone on trials of every image and the next one."""

    def evaluate(backbone: Backbone, images: Tensor) -> Evaluation:
        count = len(images)
        numbers = np.arange(count, dtype=np.int32)
        records = [ImageRef(f"{number}.png", Path(f"{number}.png")) for number in numbers]
        mated = numbers[:-1] % 2 == 0
        trials = ComparisonSet("odd", records, numbers[:-1], numbers[1:], mated, numbers // 2)
        panel = MethodScorer(backbone, {"perturbation": create_method(PERTURBATION)})
        run = EvaluationRun({"": panel}, [TrialDataset(trials, backbone.preprocessing)], torch.device("cpu"))
        for batch in batches(images, 4):
            run.add(batch, 0)
        network = BackboneIdentity.of(backbone, "odd", {}, "none", "1")
        evaluation = run.finish(network, MetricOptions(fmr=(0.1,)))
        assert evaluation is not None
        return evaluation

    return evaluate
