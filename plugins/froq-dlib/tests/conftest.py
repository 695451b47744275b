from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data as samples

from froq_lightning.backbones.spec import Pixels


@pytest.fixture(scope="session")
def shared_data(shared: Path) -> Path:
    return shared / "data"


@pytest.fixture(scope="session")
def astronaut() -> Pixels:
    return np.asarray(samples.astronaut())


@pytest.fixture(scope="session")
def photographs(shared_data: Path) -> list[Path]:
    return sorted((shared_data / "photos").rglob("*.jpg"))[::60]


def pixels(path: Path) -> Pixels:
    with Image.open(path) as image:
        return np.array(image.convert("RGB"))


@pytest.fixture(scope="session")
def read() -> object:
    return pixels
