"""What two processes refuse is told once, and ends both."""

import re
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml

Interleave = Callable[..., list[Path]]
SCRIPT = """
from lightning.pytorch import Trainer
from froq_lightning import FroqModule
from froq_lightning.datamodules.faces import FaceDataModule

def run():
    trainer = Trainer(accelerator="cpu", devices=2, strategy="ddp_spawn", logger=False, enable_checkpointing=False)
    module = FroqModule("timm", {options}, observer="{observer}")
    trainer.predict(module, FaceDataModule("{folder}/faces", module.preprocessing, workers=0), return_predictions=False)

"""
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not torch.distributed.is_gloo_available(), reason="needs torch built with gloo"),
]


@pytest.fixture
def errors(start: Callable[..., subprocess.CompletedProcess[str]]) -> Callable[..., list[str]]:
    """Runs a verb on two processes, which must refuse, and returns what they tell."""

    def run(launch: str, verb: str, *options: str, **variables: str) -> list[str]:
        ran = start(launch, verb, *options, **variables)
        assert ran.returncode == 2
        assert "Traceback" not in ran.stderr
        return ran.stderr.splitlines()

    return run


@pytest.mark.parametrize("launch", ["ddp", "ddp_spawn"])
def test_what_all_processes_refuse_is_told_once(
    launch: str,
    network: tuple[str, ...],
    images: list[Path],
    tmp_path: Path,
    interleave: Interleave,
    errors: Callable[..., list[str]],
) -> None:
    interleave(tmp_path / "faces", (0, 1), images[:3])
    asked = [*network, f"--data.source={tmp_path / 'faces'}", "--model.labeller=embedding_norm", "--report=false"]
    told = errors(launch, "validate", *asked)
    (line,) = [line for line in told if line.startswith("froq: ")]
    assert line.startswith("froq: error: Expected at least 10 usable calibration images, but got 3 ")


@pytest.mark.parametrize("launch", ["ddp", "ddp_spawn"])
def test_what_the_second_process_alone_refuses_ends_both(
    launch: str,
    network: tuple[str, ...],
    observer: Path,
    images: list[Path],
    tmp_path: Path,
    interleave: Interleave,
    errors: Callable[..., list[str]],
) -> None:
    interleave(tmp_path / "faces", (), images[:3])
    (tmp_path / "scores.csv.partial" / "1.shard").mkdir(parents=True)
    asked = [*network, f"--model.observer={observer}", f"--data.source={tmp_path / 'faces'}"]
    (line,) = errors(launch, "predict", *asked, f"--output={tmp_path / 'scores.csv'}")
    assert line.startswith("froq: error: ")
    assert "Is a directory" in line


def test_a_port_that_is_taken_is_told(
    network: tuple[str, ...],
    observer: Path,
    images: list[Path],
    tmp_path: Path,
    interleave: Interleave,
    errors: Callable[..., list[str]],
) -> None:
    interleave(tmp_path / "faces", (), images[:3])
    asked = [*network, f"--model.observer={observer}", f"--data.source={tmp_path / 'faces'}"]
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        told = errors("ddp", "predict", *asked, f"--output={tmp_path / 'scores.csv'}", MASTER_PORT=port)
    assert re.fullmatch(r"froq: error: .*address already in use.*", told[-1])


@pytest.mark.parametrize("call", ["run()", "for _ in range(1):\n    run()"])
def test_a_script_that_its_processes_would_run_again_is_refused(
    call: str,
    network: tuple[str, ...],
    observer: Path,
    images: list[Path],
    tmp_path: Path,
    interleave: Interleave,
) -> None:
    interleave(tmp_path / "faces", (), images[:3])
    options = yaml.safe_load(network[1].partition("=")[2])
    (tmp_path / "script.py").write_text(SCRIPT.format(options=options, observer=observer, folder=tmp_path) + call)
    ran = subprocess.run(
        [sys.executable, str(tmp_path / "script.py")], capture_output=True, text=True, check=False, timeout=120
    )
    assert ran.returncode == 1
    assert "ConfigurationError: Expected script.py to start its run under `if __name__" in ran.stderr.splitlines()[-1]
