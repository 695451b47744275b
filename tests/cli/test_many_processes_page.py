"""The commands of docs/many-processes.md run as they stand, with a process for each node, or two on the only one."""

import os
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from froq_lightning.calibration.observer import Observer
from froq_lightning.cli import main

PAGE = (Path(__file__).parents[2] / "docs" / "many-processes.md").read_text(encoding="utf-8")
HERE = ("--trainer.accelerator=cpu", "--trainer.enable_progress_bar=false", "--data.workers=0")
Rows = list[dict[str, str]]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not torch.distributed.is_gloo_available(), reason="needs torch built with gloo"),
]


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


def commands() -> list[list[str]]:
    lines = [line for block in blocks("bash") for line in block.replace("\\\n", " ").splitlines()]
    return [shlex.split(line) for line in lines if line.startswith(("froq ", "torchrun ", "srun "))]


def value(option: str, command: list[str]) -> int:
    return int(command[command.index(option) + 1]) if option in command else 1


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("localhost", 0))
        return int(free.getsockname()[1])


def slurm(node: int, nodes: int, port: int) -> dict[str, str]:
    """What SLURM tells the only task of a node."""
    of_job = {"JOB_NAME": "froq", "JOB_ID": "1", "NODELIST": "localhost", "NTASKS": nodes, "NNODES": nodes}
    of_task = {"NTASKS_PER_NODE": 1, "PROCID": node, "NODEID": node, "LOCALID": 0}
    named = {f"SLURM_{name}": str(told) for name, told in {**of_job, **of_task}.items()}
    return named | {"MASTER_ADDR": "localhost", "MASTER_PORT": str(port)}


def of_node(command: list[str], node: int, port: int) -> tuple[list[str], dict[str, str]]:
    """A command as one node of this host runs it, with one process where there are several nodes; its environment."""
    nodes = value("--trainer.num_nodes", command)
    each = "1" if nodes > 1 else "2"
    started, environment = command, dict[str, str]()
    if command[0] == "srun":
        started, environment = command[command.index("froq") :], slurm(node, nodes, port)
    program = {"froq": ["-m", "froq_lightning"], "torchrun": ["-m", "torch.distributed.run", f"--node-rank={node}"]}
    replaced = [word.replace("node0:29500", f"localhost:{port}") for word in started[1:]]
    for option in ("--trainer.devices", "--nproc-per-node"):
        if option in replaced:
            replaced[replaced.index(option) + 1] = each
    return [sys.executable, *program[started[0]], *replaced, *HERE], environment


def run(command: list[str]) -> None:
    """Run a command on every node that it is for."""
    port = free_port()
    nodes = [of_node(command, node, port) for node in range(value("--trainer.num_nodes", command))]
    several = [
        subprocess.Popen(
            started,
            env=os.environ | {"OMP_NUM_THREADS": "1"} | environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for started, environment in nodes
    ]
    for one in several:
        told = one.communicate(timeout=300)[1]
        assert one.returncode == 0, told


@pytest.fixture
def workplace(shared: Path, manifest: Path, tmp_path: Path) -> Path:
    """The working folder, with the files that the commands name."""
    data = shared / "data"
    (tmp_path / "network.yaml").write_text(blocks("yaml")[0])
    (tmp_path / "mobilefacenet_casia.ckpt").symlink_to(data / "weights" / "mobilefacenet_casia.ckpt")
    header, *lines = manifest.read_text().splitlines()
    (tmp_path / "labels.csv").write_text("\n".join([header, *(f"{manifest.parent}/{line}" for line in lines)]))
    (tmp_path / "crops").mkdir()
    images = sorted((data / "faces").glob("*/*.jpg"))[:7]
    for image in images:
        (tmp_path / "crops" / image.name).symlink_to(image)
    trials = [f"{one},{other},{int(one.parent == other.parent)}" for one in images for other in images if one < other]
    (tmp_path / "pairs.csv").write_text("\n".join(["image_a,image_b,mated", *trials]))
    return tmp_path


def test_every_command_of_the_page_gives_what_one_process_gives(
    workplace: Path, observer: Path, predict: Callable[..., Rows], rows: Callable[[Path], Rows]
) -> None:
    calibration, *predictions = [command for command in commands() if "test" not in command]
    (evaluation,) = [command for command in commands() if "test" in command]
    run(calibration)
    found, expected = (Observer.load(path) for path in (workplace / "observer.json", observer))
    assert [layer.name for layer in found.layers] == [layer.name for layer in expected.layers]
    alone = predict(workplace / "crops", workplace / "alone.csv", f"--model.observer={workplace / 'observer.json'}")
    for command in predictions:
        run(command)
        scores = rows(workplace / "scores.csv")
        assert [row["image"] for row in scores] == [row["image"] for row in alone]
        for row, other in zip(scores, alone, strict=True):
            assert float(row["quality_score"]) == pytest.approx(float(other["quality_score"]), rel=1e-5)
        (workplace / "scores.csv").unlink()
    run(evaluation)
    several = rows(workplace / "results.csv")
    asked = evaluation[evaluation.index("test") : evaluation.index("--trainer.num_nodes")]
    assert main([*asked, *HERE]) == 0
    for row, other in zip(several, rows(workplace / "results.csv"), strict=True):
        assert float(row["value"] or "nan") == pytest.approx(float(other["value"] or "nan"), rel=1e-5, nan_ok=True)


def test_the_batch_script_asks_slurm_for_the_processes_that_the_trainer_expects() -> None:
    asked = dict(re.findall(r"^#SBATCH --(.*)=(\d+)$", "".join(blocks("bash")), flags=re.MULTILINE))
    (command,) = [command for command in commands() if command[0] == "srun"]
    assert int(asked["nodes"]) == value("--trainer.num_nodes", command)
    assert int(asked["ntasks-per-node"]) == value("--trainer.devices", command)
