from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor

from froq_lightning.backbones.spec import Backbone
from froq_lightning.calibration.backbone_identity import BackboneIdentity
from froq_lightning.calibration.budget import Budget
from froq_lightning.data.face_batch import FaceBatch
from froq_lightning.errors import CalibrationError
from froq_lightning.methods.mated_similarity import Similarities
from froq_lightning.methods.registry import create_labeller, create_method
from froq_lightning.runs.calibration_run import Calibration, CalibrationRun, Labelling
from froq_lightning.runs.set_labels import groups

OPTIONS: dict[str, dict[str, Any]] = {
    "perturbation": {"noise": 0, "occlusion": 2},
    "face_qan": {"samples": 2, "steps": 2},
    "grafiqs": {"depth": 0},
}


def calibrated(
    backbone: Backbone, images: Tensor, name: str, batch_size: int, subjects: Tensor | None = None
) -> Calibration:
    labelling = Labelling(*create_labeller({"method": name, **OPTIONS.get(name, {})}))
    run = CalibrationRun(backbone, labelling, len(images), torch.device("cpu"))
    numbers = torch.arange(len(images))
    for part in numbers.split(batch_size):
        keys, subject = [str(number) for number in part.tolist()], None if subjects is None else subjects[part]
        run.add(FaceBatch(images[part], part, keys, [""] * len(part), subject=subject))
    identity = BackboneIdentity.of(backbone, "small", {}, "none", "1")
    return run.finish(identity, "paper", Budget(), None)


@pytest.mark.parametrize("name", ["embedding_norm", "face_qan", "grafiqs", "perturbation", "random"])
def test_every_method_can_label_a_calibration_set(name: str, small_backbone: Backbone, small_images: Tensor) -> None:
    found = calibrated(small_backbone, small_images, name, batch_size=5)
    method = create_method({"method": name, **OPTIONS.get(name, {})})
    expected = method.score(small_backbone, small_images)
    torch.testing.assert_close(found.table.pseudo_quality.double(), expected.double(), rtol=1e-4, atol=1e-6)
    recorded: Mapping[str, Any] = found.observer.calibration_set.labels
    assert recorded == {"method": name, **method.parameters()}


@pytest.mark.parametrize("batch_size", [1, 5])
def test_a_whole_set_is_labelled_when_all_images_are_in(
    batch_size: int, small_backbone: Backbone, small_images: Tensor
) -> None:
    subjects = torch.tensor([5, 5, 5, 6, 6, 6, 7, 7, 7, 8, 8, 8, 9, -1])
    images = small_images[[0, 0, 0, 3, 3, 3, 6, 6, 6, 9, 9, 9, 12, 13]].clone()
    images[:12:3] = (images[:12:3] * 0.9).byte()
    images[1:12:3] = (images[1:12:3] * 0.7).byte()
    found = calibrated(small_backbone, images, "mated", batch_size, subjects)
    embeddings = small_backbone.embed(small_backbone.run(small_backbone.inputs(images)))
    expected = Similarities.of(embeddings, subjects, torch.arange(14)).mated
    torch.testing.assert_close(found.table.pseudo_quality.double(), expected[:12], rtol=1e-5, atol=0)
    assert found.unlabelled == {12: "no other image of this subject", 13: "its subject is not known"}
    images_told = found.observer.calibration_set
    assert (images_told.images, images_told.left_out) == (12, 2)
    assert images_told.labels == {"method": "mated", "subjects": 4, "mates": 2.0, "alike": 1.0}


def test_images_without_subjects_are_refused_with_what_is_left_out(
    small_backbone: Backbone, small_images: Tensor
) -> None:
    with pytest.raises(CalibrationError, match=r"got images without subjects; give one sub-folder .* \(0 left out\)"):
        calibrated(small_backbone, small_images, "mated", 5)


def test_images_of_a_subject_make_a_group_and_others_one_with_their_copies() -> None:
    subjects, originals = torch.tensor([3, 3, -1, -1, 3, -1]), torch.tensor([0, 0, 2, 2, 4, 5])
    numbers = groups(torch.stack([subjects, originals], dim=1)).tolist()
    assert [numbers.index(number) for number in numbers] == [0, 0, 2, 2, 0, 5]
