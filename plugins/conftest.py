"""What the plugins' tests share: real faces, weights and reference figures, and checkpoints that take no room."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from froq_lightning.backbones.registry import create_backbone


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder `shared` with real faces, weights and reference figures."""
    for folder in Path(__file__).resolve().parents:
        if (folder / "shared" / "golden").is_dir():
            return folder / "shared"
    pytest.skip("needs reference figures: no folder shared/golden beside the checkout")


@pytest.fixture(scope="session")
def hollow() -> Callable[[str], dict[str, Tensor]]:
    """`hollow(name)`: a backbone's state dict whose file takes no room, as each tensor repeats one zero."""

    def state_of(name: str) -> dict[str, Tensor]:
        with torch.device("meta"):
            state = create_backbone(name).network.state_dict()
        return {key: torch.zeros((), dtype=value.dtype).expand(value.shape) for key, value in state.items()}

    return state_of
