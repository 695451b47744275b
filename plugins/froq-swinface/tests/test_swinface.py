"""What is SwinFace's own, its parts; what it has in common with others is in plugins/tests."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from froq_swinface.backbone import swinface
from torch import Tensor

from froq_lightning.backbones.registry import create_backbone
from froq_lightning.conformance import check_backbone
from froq_lightning.errors import WeightsError

PARTS = ("backbone", "fam", "tss", "om")
StateDict = dict[str, Tensor]


@pytest.fixture(scope="module")
def parts(hollow: Callable[[str], StateDict]) -> dict[str, StateDict]:
    """A checkpoint as the authors' training leaves it, a state dict for each part, whose file takes no room."""
    state = hollow("swinface")
    return {
        f"state_dict_{part}": {
            key.removeprefix(f"{part}."): value for key, value in state.items() if key.startswith(f"{part}.")
        }
        for part in PARTS
    }


def test_without_attributes_the_layers_and_keys_are_those_of_the_recognition_part() -> None:
    full, backbone = create_backbone("swinface"), create_backbone("swinface", attributes=False)
    layers = check_backbone(backbone, allow_silent=False)
    assert [layer.name for layer in layers][-1] == "backbone.feature"
    assert backbone.candidate_layers == tuple(name for name in full.candidate_layers if name.startswith("backbone."))
    keys = [key for key in full.network.state_dict() if key.startswith("backbone.")]
    assert list(backbone.network.state_dict()) == keys
    with torch.no_grad():
        assert list(backbone.network(torch.zeros(1, 3, 112, 112))) == ["Recognition"]


def test_a_part_that_was_trained_in_parallel_is_unwrapped(parts: dict[str, StateDict], tmp_path: Path) -> None:
    wrapped = {f"module.{key}": value for key, value in parts["state_dict_backbone"].items()}
    torch.save(parts | {"state_dict_backbone": wrapped}, tmp_path / "weights.pt")
    assert swinface(str(tmp_path / "weights.pt")).note == "weights.pt: took the names of wrappers out of its keys"


def test_a_file_of_the_recognition_part_alone_is_refused_by_the_registered_name(
    parts: dict[str, StateDict], tmp_path: Path
) -> None:
    torch.save({"state_dict_backbone": parts["state_dict_backbone"]}, tmp_path / "weights.pt")
    with pytest.raises(WeightsError, match="has no entry 'state_dict_fam'; it has: state_dict_backbone"):
        create_backbone("swinface", weights=str(tmp_path / "weights.pt"))
