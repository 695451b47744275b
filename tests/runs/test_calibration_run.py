from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor

from froq_lightning.backbones.spec import Backbone
from froq_lightning.calibration.budget import Budget
from froq_lightning.calibration.observer import BackboneIdentity
from froq_lightning.data.records import FaceBatch
from froq_lightning.methods.catalogue import METHODS, create_method
from froq_lightning.runs.calibration_run import Calibration, CalibrationRun, Labelling

OPTIONS: dict[str, dict[str, Any]] = {
    "perturbation": {"noise": 0, "occlusion": 2},
    "face_qan": {"samples": 2, "steps": 2},
    "grafiqs": {"depth": 0},
}


def calibrated(backbone: Backbone, images: Tensor, name: str, batch_size: int) -> Calibration:
    labelling = Labelling(name, create_method({"method": name, **OPTIONS.get(name, {})}))
    run = CalibrationRun(backbone, labelling, len(images), torch.device("cpu"))
    numbers = torch.arange(len(images))
    for part in numbers.split(batch_size):
        run.add(FaceBatch(images[part], part, [str(number) for number in part.tolist()], [""] * len(part)))
    identity = BackboneIdentity.of(backbone, "small", {}, "none", "1")
    return run.finish(identity, "paper", Budget(), None)


@pytest.mark.parametrize("name", [name for name in METHODS if name not in ("network_quality", "ser_fiq")])
def test_every_method_can_label_a_calibration_set(name: str, small_backbone: Backbone, small_images: Tensor) -> None:
    found = calibrated(small_backbone, small_images, name, batch_size=5)
    method = create_method({"method": name, **OPTIONS.get(name, {})})
    expected = method.score(small_backbone, small_images)
    torch.testing.assert_close(found.table.pseudo_quality.double(), expected.double(), rtol=1e-4, atol=1e-6)
    recorded: Mapping[str, Any] = found.observer.calibration_set.labels
    assert recorded == {"method": name, **method.parameters()}
