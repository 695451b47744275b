"""What the tests share: real faces, a backbone that costs nothing, and a cache of weights that is empty."""

from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from torchvision.transforms.functional import pil_to_tensor

from froq_lightning.backbones.spec import Backbone, Preprocessing


@pytest.fixture(scope="session")
def faces(shared: Path) -> Tensor:
    """Six real faces, `[6, 3, 112, 112]` uint8."""
    paths = sorted((shared / "data" / "faces").rglob("*.jpg"))[::40][:6]
    return torch.stack([pil_to_tensor(Image.open(path)) for path in paths])


def _backbone(size: int) -> Backbone:
    network = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(12, 4))
    return Backbone.with_weights(network, Preprocessing((size, size)), None)


@pytest.fixture(scope="session")
def backbone() -> Backbone:
    """A backbone for crops of 112 pixels; the metrics do not look at its network."""
    return _backbone(112)


@pytest.fixture(scope="session")
def small_backbone() -> Backbone:
    """The same for crops of 80 pixels."""
    return _backbone(80)


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The empty folder that pyiqa keeps its weights in; nothing can be fetched."""
    pytest.importorskip("pyiqa", reason="needs pyiqa: pip install 'froq-pyiqa[pyiqa]'")
    folder = tmp_path / "pyiqa"
    folder.mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("pyiqa.utils.download_util.DEFAULT_CACHE_DIR", str(folder))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return folder
