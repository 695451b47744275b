"""Whole runs of networks that give NaN for some images, write into their input, or mix the images of a batch."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

from froq_lightning.cli import main

Rows = Callable[[Path], list[dict[str, str]]]
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


@pytest.fixture
def crops(tmp_path: Path, small_images: Tensor, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of crops, two of them white, and a plugin installed beside it."""
    info = tmp_path / "site" / "froq_odd-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: froq-odd\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[froq_lightning.backbones]\nodd = froq_odd:odd\n")
    (tmp_path / "site" / "froq_odd.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(tmp_path / "site")
    folder = tmp_path / "crops"
    folder.mkdir()
    images = torch.cat([small_images, torch.full((2, 3, 32, 32), 255, dtype=torch.uint8)])
    for number, image in enumerate(images):
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(folder / f"{(number * 5) % 16:02}.png")
    return folder


def options(kind: str, quiet: tuple[str, ...]) -> list[str]:
    return ["--model.backbone=odd", f"--model.backbone_options.kind={kind}", "--model.labeller.occlusion=2", *quiet]


def test_images_that_give_nan_are_failed_rows_in_every_file(crops: Path, quiet: tuple[str, ...], rows: Rows) -> None:
    common = [*options("nan", quiet), f"--data.source={crops}", "--data.batch_size=3"]
    assert main(["validate", *common, "--report=false", "--output=observer.json"]) == 0
    white, told = ["06.png", "11.png"], "the network gives NaN or infinite values for it"
    failed = [row for row in rows(Path("observer.images.csv")) if row["status"] == "failed"]
    assert [(row["image"], row["quality"], row["reason"]) for row in failed] == [(name, "-1", told) for name in white]
    scoring = [*common, "--model.observer=observer.json", "--output=scores.csv", "--embeddings=e.npy"]
    assert main(["predict", *scoring]) == 0
    scored = rows(Path("scores.csv"))
    assert len(scored) == 16
    failed = [row for row in scored if row["status"] == "failed"]
    assert [(row["image"], row["quality_score"], row["quality"]) for row in failed] == [
        (name, "", "-1") for name in white
    ]
    assert {row["reason"] for row in failed} == {told}


@pytest.mark.parametrize("kind", ["in_place", "mirror"])
def test_scores_do_not_depend_on_the_batch_size(
    kind: str, crops: Path, quiet: tuple[str, ...], rows: Rows, capsys: pytest.CaptureFixture[str]
) -> None:
    common = [*options(kind, quiet), f"--data.source={crops}"]
    assert main(["validate", *common, "--report=false", "--output=observer.json"]) == 0
    told = capsys.readouterr().out
    assert ("stem.1 depends on the other images of its batch" in told) == (kind == "mirror")
    found = []
    for size in (1, 7):
        scoring = [*common, "--model.observer=observer.json", f"--data.batch_size={size}", f"--output={size}.csv"]
        assert main(["predict", *scoring]) == 0
        found.append([float(row["quality_score"]) for row in rows(Path(f"{size}.csv"))])
    assert found[0] == pytest.approx(found[1], rel=1e-5)
    assert main(["backbones", "check", "odd", f"kind={kind}"]) == 0
    expected = {"in_place": "changes its input in place", "mirror": "left out: stem depends on the other images"}
    assert expected[kind] in capsys.readouterr().out
