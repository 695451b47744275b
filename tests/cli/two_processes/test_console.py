"""What two processes print: the first one prints for both, wherever it was started."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pseudo_terminal import run_in_terminal

pytestmark = pytest.mark.slow

Start = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.parametrize("launch", ["ddp", "ddp_spawn", "torchrun"])
def test_json_is_printed_once(
    launch: str, start: Start, network: tuple[str, ...], observer: Path, images: list[Path], tmp_path: Path
) -> None:
    paths = [f"--model.observer={observer}", f"--data.source={images[0].parent}", "--output=scores.csv"]
    ran = start(launch, "predict", *network, *paths, "--json", "--fail-under=50")
    assert ran.returncode == 1, ran.stderr
    told = json.loads(ran.stdout)
    assert told["images"] == {"total": 40, "scored": 40, "failed": 0}
    assert told["outputs"] == {"scores": "scores.csv"}
    assert told["gate"]["below"] > 0
    assert ran.stderr.count("below quality 50") == 1
    assert "scores: scores.csv" in ran.stderr
    ran = start(launch, "predict", *network, *paths, "--quiet")
    assert (ran.returncode, ran.stdout) == (0, "")
    assert (tmp_path / "scores.csv").exists()


@pytest.mark.parametrize("launch", ["ddp", "ddp_spawn"])
def test_one_bar_counts_the_images_of_both(
    launch: str, network: tuple[str, ...], observer: Path, images: list[Path]
) -> None:
    options = [each for each in network if not each.startswith("--trainer.enable_progress_bar")]
    paths = [f"--model.observer={observer}", f"--data.source={images[0].parent}", "--output=scores.csv"]
    processes = [f"--trainer.strategy={launch}", "--trainer.devices=2", "--data.batch_size=2"]
    command = [sys.executable, "-m", "froq_lightning", "predict", *options, *paths, *processes]
    status, printed = run_in_terminal(command, 120)
    assert status == 0
    assert printed.count("took 0:") == 1
    assert re.search(r"about 40 of 40 images, [\d.,]+ images/s, took 0:", printed) or "  40 of 40 images" in printed
