"""What the tests share: real faces."""

from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms.functional import pil_to_tensor


@pytest.fixture(scope="session")
def faces(shared: Path) -> Tensor:
    """Three real faces, `[3, 3, 112, 112]` uint8."""
    paths = sorted((shared / "data" / "faces").rglob("*.jpg"))[:3]
    return torch.stack([pil_to_tensor(Image.open(path)) for path in paths])
