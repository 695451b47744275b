"""Whole runs of networks that give NaN for some images, write into their input, or mix the images of a batch."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

from froq_lightning.cli import main

PLUGIN = """
import torch
from torch import nn
from froq_lightning.backbones.spec import Backbone, Preprocessing

class Net(nn.Module):
    def __init__(self, kind):
        super().__init__()
        torch.manual_seed(1)
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.PReLU(8))
        self.head, self.last = nn.Linear(8 * 16 * 16, 16), nn.Linear(16, 16)
        self.kind = kind

    def forward(self, x):
        if self.kind == "nan":
            x = torch.where((x > 0.99).flatten(1).all(dim=1)[:, None, None, None], torch.nan, x)
        if self.kind == "in_place":
            x.sub_(0.4)
        x = torch.cat([x, x.flip(3)]) if self.kind == "mirror" else x
        x = self.head(self.stem(x).flatten(1))
        return self.last(sum(x.chunk(2)) if self.kind == "mirror" else x)

def odd(kind):
    return Backbone.with_weights(Net(kind), Preprocessing(size=(32, 32)), None)
"""


@pytest.fixture(autouse=True)
def _plugin(install: Callable[..., Path], on_path: Path) -> None:
    (on_path / "froq_odd.py").write_text(PLUGIN)
    install("froq_odd", "odd = froq_odd:odd")


def test_images_that_give_nan_are_failed_rows_in_every_file(
    small_images: Tensor, quiet: tuple[str, ...], rows: Callable[[Path], list[dict[str, str]]]
) -> None:
    Path("crops").mkdir()
    images = torch.cat([small_images, torch.full((2, 3, 32, 32), 255, dtype=torch.uint8)])
    for number, image in enumerate(images):
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(f"crops/{(number * 5) % 16:02}.png")
    network = ("--model.backbone=odd", "--model.backbone_options.kind=nan", "--model.labeller.occlusion=2", *quiet)
    common = (*network, "--data.source=crops", "--data.batch_size=3")
    assert main(["validate", *common, "--report=false", "--output=observer.json"]) == 0
    assert main(["predict", *common, "--model.observer=observer.json", "--output=scores.csv"]) == 0
    for path in ("observer.images.csv", "scores.csv"):
        failed = {row["image"]: row for row in rows(Path(path)) if row["status"] == "failed"}
        assert failed.keys() == {"06.png", "11.png"}  # the white ones
        for row in failed.values():
            assert (row["quality_score"], row["quality"]) == ("", "-1")
            assert row["reason"] == "the network gives NaN or infinite values for it"


@pytest.mark.parametrize(
    ("kind", "remark"),
    [("in_place", "changes its input in place"), ("mirror", "left out: stem depends on the other images")],
)
def test_a_check_says_what_is_odd(kind: str, remark: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backbones", "check", "odd", f"kind={kind}"]) == 0
    assert remark in capsys.readouterr().out
