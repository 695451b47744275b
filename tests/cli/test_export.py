"""`froq export`, and the runner without torch that the documentation shows."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from froq_lightning import QualityScorer
from froq_lightning.cli import main

DOCUMENT = (Path(__file__).parents[2] / "docs" / "onnx.md").read_text(encoding="utf-8")
DLIB = ("--model.backbone=dlib_resnet29", "--with-preprocessing")


def of_model(network: tuple[str, ...]) -> list[str]:
    return [option for option in network if not option.startswith("--trainer.")]


@pytest.mark.slow
def test_the_documented_runner_gives_the_scores_of_the_scorer_without_torch(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("froq_dlib", reason="needs the plugin froq-dlib")
    assert main(["export", *DLIB, "--output=dlib.onnx"]) == 0
    assert "graph: dlib.onnx" in capsys.readouterr().out
    (code,) = re.findall(r"```python\n(.*?)```", DOCUMENT, flags=re.DOTALL)
    assert code.count("\n") <= 40
    (tmp_path / "run_onnx.py").write_text(code)
    crops = np.random.default_rng(0).integers(0, 256, (3, 150, 150, 3), dtype=np.uint8)
    for number, crop in enumerate(crops):
        Image.fromarray(crop).save(f"{number}.png")
    blocked = (
        "import sys; sys.modules['torch'] = None; import runpy; runpy.run_path('run_onnx.py', run_name='__main__')"
    )
    run = subprocess.run(
        [sys.executable, "-c", blocked, "dlib.onnx", "0.png", "1.png", "2.png"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    rows = [line.split("\t") for line in run.stdout.splitlines()]
    expected = QualityScorer.from_pretrained("dlib_resnet29", device="cpu")(crops, embeddings=True)
    assert [int(row[1]) for row in rows] == expected.quality.tolist()
    assert expected.embeddings is not None
    np.testing.assert_allclose([float(row[2]) for row in rows], expected.quality_score, atol=1e-3)
    np.testing.assert_allclose([float(row[3]) for row in rows], expected.embeddings.norm(dim=1), atol=0.01)


@pytest.mark.slow
def test_a_graph_of_a_real_network_scores_photographs_as_predict_does(
    network: tuple[str, ...], observer: Path, faces: Path, shared: Path
) -> None:
    arguments = [*of_model(network), f"--model.observer={observer}", f"--data.source={faces}", "--quality-only"]
    assert main(["export", *arguments, "--with-preprocessing", "--output=graph.pt2"]) == 0
    graph = torch.export.load("graph.pt2").module()
    paths = sorted(faces.glob("*.jpg"))
    images = torch.stack([torch.from_numpy(np.array(Image.open(path))).permute(2, 0, 1) for path in paths])
    weights = str(shared / "data" / "weights" / "mobilefacenet_casia.ckpt")
    expected = QualityScorer.from_observer(observer, weights, device="cpu")(images)
    score, quality = graph(images)
    torch.testing.assert_close(score, expected.quality_score.float(), rtol=1e-4, atol=1e-4)
    assert (quality - expected.quality).abs().max() <= 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--output=graph.bin"], "Expected the output to end in .onnx or .pt2, but got 'graph.bin'"),
        (["--output=graph.onnx", "--format=torch"], "Expected the output to end in .pt2, but got 'graph.onnx'"),
        (["--output=graph.pt2", "--format=onx"], "unknown format 'onx'; nearest: onnx"),
        (["--output=graph.pt2", "--opset=18"], "Expected no `opset` for the format torch"),
        (["--output=graph.onnx", "--opset=9"], "Expected `opset` to be 18 or more, but got 9"),
        (["--output=graph.onnx", "--precision=8"], "precision"),
        (
            ["--output=graph.onnx", "--trainer.devices=2"],
            "`froq export` runs no Trainer and takes no --trainer.devices",
        ),
        (["--output=graph.onnx", "--with-preprocesing"], "--with-preprocessing"),
        ([], "Expected --output, but nothing was given"),
    ],
)
def test_what_cannot_be_exported_is_refused_in_a_line(
    options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("froq_dlib", reason="needs the plugin froq-dlib")
    assert main(["export", "--model.backbone=dlib_resnet29", *options]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not list(Path().glob("graph.*"))


def test_an_observer_for_other_weights_is_refused(
    network: tuple[str, ...], observer: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("other.json").write_text(re.sub(r'"sha256": "\w+"', f'"sha256": "{"0" * 64}"', observer.read_text()))
    assert main(["export", *of_model(network), "--model.observer=other.json", "--output=graph.onnx"]) == 2
    assert "the observer was made for another network: weights sha256" in capsys.readouterr().err
