"""The commands of docs/gpu.md run on a CPU, compiled ones by a mode without CUDA graphs there."""

import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from froq_lightning.calibration.observer import Observer
from froq_lightning.cli import main

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "gpu.md").read_text(encoding="utf-8")
Rows = list[dict[str, str]]
pytestmark = pytest.mark.slow


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


def commands(program: str) -> list[list[str]]:
    lines = [line for block in blocks("bash") for line in block.replace("\\\n", " ").splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith(program)]


def test_every_command_of_the_page_runs_in_one_precision(
    shared: Path,
    manifest: Path,
    quiet: tuple[str, ...],
    rows: Callable[[Path], Rows],
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("network.yaml").write_text(blocks("yaml")[0])
    Path("mobilefacenet_casia.ckpt").symlink_to(shared / "data" / "weights" / "mobilefacenet_casia.ckpt")
    header, *lines = manifest.read_text().splitlines()
    Path("labels.csv").write_text("\n".join([header, *(f"{manifest.parent}/{line}" for line in lines)]))
    Path("crops").mkdir()
    for image in sorted((shared / "data" / "faces").glob("*/*.jpg"))[:5]:
        Path("crops", image.name).symlink_to(image)
    for command in commands("froq "):
        assert main([*command, *quiet, "--data.batch_size=4"]) == 0
    printed = capsys.readouterr()
    assert Observer.load("observer.json").precision == "bf16-mixed"
    assert "was calibrated in" not in printed.err
    assert re.search("memory format: (channels last|contiguous), measured on cpu", printed.out)
    plain, compiled = (rows(Path(name)) for name in ("scores.csv", "compiled.csv"))
    assert [row["status"] for row in plain] == ["ok"] * 5
    for row, other in zip(plain, compiled, strict=True):
        assert float(row["quality_score"]) == pytest.approx(float(other["quality_score"]), abs=0.1)


def test_the_benchmark_writes_its_tables(shared: Path) -> None:
    (command,) = commands("python ")
    command[command.index("DIR")] = str(shared)
    small = ["--device=cpu", "--network", "mobilefacenet", "--batch", "8", "--images", "40", "--runs", "1"]
    chosen = ["--workers", "0", "--switch", "none", "channels_last", "bf16-mixed"]
    subprocess.run([sys.executable, str(ROOT / command[0]), *command[1:], *small, *chosen], check=True, timeout=600)
    cells = [line.strip("| ").split(" | ") for line in Path("gpu.md").read_text().splitlines() if line.startswith("|")]
    agreement = {row[2]: float(row[6]) for row in cells if row[0] == "mobilefacenet" and len(row) == 7}
    assert agreement["none"] > 0.9999
    assert agreement["channels_last"] > 0.9999
    assert agreement["bf16-mixed"] > 0.99
    assert {row[2] for row in cells if len(row) == 4} >= {"predict, 0 workers", "copies from pageable memory"}
