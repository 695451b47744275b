import hashlib
import json
import os
import struct
from collections.abc import Callable
from pathlib import Path

import dlib
import numpy as np
import pytest
import torch
from froq_dlib.aligner import dlib_aligner
from froq_dlib.backbone import dlib_resnet29
from froq_dlib.files import NETWORK, model_file
from froq_dlib.serialization import TensorReader

from froq_lightning.backbones.spec import Backbone, Pixels
from froq_lightning.calibration.observer import Observer
from froq_lightning.conformance import check_backbone, check_published_input
from froq_lightning.observation.norms import LayerNorms


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return dlib_resnet29()


@pytest.fixture(scope="module")
def dlib_network() -> dlib.face_recognition_model_v1:
    return dlib.face_recognition_model_v1(str(model_file(NETWORK)))


def embed(backbone: Backbone, chips: list[Pixels]) -> np.ndarray:
    images = torch.from_numpy(np.stack(chips)).permute(0, 3, 1, 2)
    with torch.inference_mode():
        return backbone.embed(backbone.network(backbone.preprocessing(images))).numpy()


def chip_of(image: Pixels) -> Pixels:
    face = dlib_aligner("dlib", (150, 150))(image)
    assert face is not None
    return face.image


def test_the_descriptor_of_a_photograph_is_that_of_dlib_itself(
    backbone: Backbone, dlib_network: dlib.face_recognition_model_v1, astronaut: Pixels
) -> None:
    chip = chip_of(astronaut)
    expected = np.array(dlib_network.compute_face_descriptor(chip))
    np.testing.assert_allclose(embed(backbone, [chip])[0], expected, rtol=0, atol=1e-5)


def test_the_descriptors_of_a_batch_are_those_of_dlib_itself(
    backbone: Backbone,
    dlib_network: dlib.face_recognition_model_v1,
    photographs: list[Path],
    read: Callable[[Path], Pixels],
) -> None:
    chips = [chip_of(read(path)) for path in photographs[:12]]
    expected = np.array([dlib_network.compute_face_descriptor(chip) for chip in chips])
    np.testing.assert_allclose(embed(backbone, chips), expected, rtol=0, atol=1e-5)


def test_it_is_a_backbone_of_which_every_layer_can_be_observed(backbone: Backbone) -> None:
    assert {layer.name for layer in check_backbone(backbone, allow_silent=False)} == set(backbone.candidate_layers)


def test_layers_have_names_that_tell_their_place(backbone: Backbone) -> None:
    assert {"stem.conv", "stem.affine", "blocks.0.conv1", "blocks.13.relu2", "fc"} <= set(backbone.candidate_layers)
    assert sum(name.endswith("shortcut") for name in backbone.candidate_layers) == 4


def test_the_weights_are_identified_by_the_content_of_their_file(backbone: Backbone) -> None:
    content = model_file(NETWORK).read_bytes()
    assert backbone.weights.sha256 == hashlib.sha256(content).hexdigest()
    assert backbone.weights.source == NETWORK


def test_faces_are_fed_as_dlib_feeds_them(backbone: Backbone) -> None:
    def published(opencv: torch.Tensor) -> torch.Tensor:
        return ((opencv.flip(3) - torch.tensor([122.782, 117.001, 104.298])) / 256).permute(0, 3, 1, 2)

    check_published_input(backbone, published)


def test_the_first_observer_that_shipped_gives_the_same_scores_as_then(
    backbone: Backbone, photographs: list[Path], read: Callable[[Path], Pixels]
) -> None:
    path = Path(__file__).with_name("dlib_resnet29_schema_1.json")
    shipped, observer = json.loads(path.read_text(encoding="utf-8")), Observer.load(path)
    chips = np.stack([chip_of(read(path)) for path in photographs[:4]])
    with LayerNorms(backbone.network, [layer["name"] for layer in shipped["layers"]]) as layers:
        norms = layers.observe(backbone.inputs(torch.from_numpy(chips).permute(0, 3, 1, 2))).norms
    means, stds = torch.tensor([(layer["mean"], layer["std"]) for layer in shipped["layers"]], dtype=torch.float64).T
    assert torch.equal(observer.scores(norms), ((norms.double() - means) / stds).mean(dim=1))
    assert [layer.weight for layer in observer.layers] == [1.0, 1.0]
    assert observer.cross_validated is None


@pytest.mark.parametrize("kept", [0, 100, 10_000, 5_000_000, 22_400_000])
def test_a_truncated_file_is_refused(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "cut.dat"
    path.write_bytes(model_file(NETWORK).read_bytes()[:kept])
    with pytest.raises(ValueError, match="not the file of dlib's ResNet-29, at layer"):
        dlib_resnet29(str(path))


def test_a_file_of_another_model_is_refused() -> None:
    with pytest.raises(ValueError, match=r"at layer 'stem\.conv': expected"):
        dlib_resnet29(str(model_file("mmod_human_face_detector.dat")))


def test_a_file_with_nan_is_refused(tmp_path: Path) -> None:
    content = bytearray(model_file(NETWORK).read_bytes())
    values = content.find(b"affine_") + 17  # behind the name, the version and four dimensions
    content[values : values + 4] = struct.pack("<f", float("nan"))
    path = tmp_path / "nan.dat"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"at layer 'stem\.affine': expected finite"):
        dlib_resnet29(str(path))


def test_a_missing_file_is_told_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere\.dat"):
        dlib_resnet29(str(tmp_path / "nowhere.dat"))
    with pytest.raises(FileNotFoundError, match=r"no other\.dat in the package face_recognition_models"):
        model_file("other.dat")


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "huge.dat"
    with path.open("wb") as file:
        file.truncate(2**32)
    with pytest.raises(ValueError, match="expected at most"):
        dlib_resnet29(str(path))


@pytest.mark.parametrize(("content", "value"), [(b"\x01\x05", 5), (b"\x02\x80\x12", 4736), (b"\x81\x03", -3)])
def test_integers_are_read_with_their_length_and_sign(content: bytes, value: int) -> None:
    assert TensorReader(content).integer() == value


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x01\x01", "version 2"),
        (b"\x01\x02\x81\x01\x01\x01\x01\x01\x01\x01", "dimensions of 0 or more"),
        (b"\x01\x02" + b"\x08" + b"\x7f" * 8 + b"\x01\x01" * 3, "truncated"),
        (b"\x09" + b"\x00" * 9, "control byte 0x9"),
    ],
)
def test_a_damaged_tensor_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TensorReader(content).tensor()


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.dat")
    with pytest.raises(ValueError, match=r"pipe\.dat is a folder, pipe or device"):
        dlib_resnet29(str(tmp_path / "pipe.dat"))
