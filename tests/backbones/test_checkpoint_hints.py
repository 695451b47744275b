"""The hint in the error of a checkpoint that does not fit: which backbone it belongs to."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from froq_lightning.backbones.checkpoint_hints import recognise
from froq_lightning.backbones.spec import Backbone, Preprocessing


class Deep(nn.Module):
    """A network of any depth, whose convolutions are called by number."""

    def __init__(self, depth: int) -> None:
        super().__init__()
        self.body = nn.Sequential(*(nn.Conv2d(3, 3, 3, padding=1) for _ in range(depth)))
        self.fc = nn.Linear(3, 8)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.fc(self.body(inputs).mean(dim=(2, 3)))


def deep(depth: int, prefix: str = "", *, weights: str | None = None) -> Backbone:
    return Backbone.with_weights(Deep(depth), Preprocessing((8, 8)), weights, prefix=prefix)


def broken(weights: str | None = None) -> Backbone:
    raise RuntimeError(f"never builds, with {weights}")


@pytest.fixture
def factories() -> dict[str, Callable[..., Any]]:
    names = {"broken": broken} | {f"deep{depth}": partial(deep, depth) for depth in (4, 12, 13)}
    return names | {"wrapped13": partial(deep, 13, "net.")}


def save(folder: Path, depth: int, prefix: str = "", **more: Tensor) -> str:
    torch.save({prefix + name: tensor for name, tensor in Deep(depth).state_dict().items()} | more, folder / "x.pth")
    return str(folder / "x.pth")


@pytest.mark.parametrize(
    ("depth", "prefix", "told"),
    [
        (4, "", "it is a checkpoint of deep4"),
        (13, "", "it is a checkpoint of deep13"),
        (13, "net.", "it is a checkpoint of wrapped13"),
        (12, "module.", "it is a checkpoint of deep12"),
        (13, "module.", "it is a checkpoint of deep13 or wrapped13"),
    ],
)
def test_the_backbone_that_loads_it_is_named_or_else_the_one_it_resembles(
    depth: int, prefix: str, told: str, factories: dict[str, Callable[..., Any]], tmp_path: Path
) -> None:
    assert recognise(save(tmp_path, depth, prefix), factories) == told


def test_a_head_too_many_is_a_resemblance(factories: dict[str, Callable[..., Any]], tmp_path: Path) -> None:
    told = recognise(save(tmp_path, 4, head=torch.zeros(8, 100)), factories)
    assert told == "it resembles deep4 most (90.9% of the tensors agree)"


def test_a_file_that_resembles_nothing_or_cannot_be_read_gets_no_hint(
    factories: dict[str, Callable[..., Any]], tmp_path: Path
) -> None:
    torch.save({"other": torch.zeros(3)}, tmp_path / "other.pth")
    assert recognise(str(tmp_path / "other.pth"), factories) == ""
    (tmp_path / "other.pth").write_bytes(b"no checkpoint")
    assert recognise(str(tmp_path / "other.pth"), factories) == ""
    assert recognise(str(tmp_path / "missing.pth"), factories) == ""


def test_nothing_is_left_on_the_meta_device(factories: dict[str, Callable[..., Any]], tmp_path: Path) -> None:
    recognise(save(tmp_path, 4), factories)
    assert not torch.zeros(1).is_meta
