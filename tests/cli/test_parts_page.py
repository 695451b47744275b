"""The recipes of docs/parts.md run as they stand, each job with the variables that its scheduler sets."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

PAGE = (Path(__file__).parents[2] / "docs" / "parts.md").read_text(encoding="utf-8")
PARTS = 2
# What Slurm tells the batch script of an array's task.
SLURM = {"SLURM_JOB_NAME": "parts.sh", "SLURM_JOB_ID": "7", "SLURM_NTASKS": "1", "SLURM_PROCID": "0"}
FROQ = """\
#!/bin/sh
[ "$1" = merge ] || set -- "$@" --trainer.accelerator=cpu --trainer.enable_progress_bar=false --data.workers=0
exec {python} -m froq_lightning "$@"
"""
pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")]


def blocks(language: str) -> list[str]:
    found = re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)
    return [block.replace("1000", str(PARTS)) for block in found]


def job() -> dict[str, Any]:
    (found,) = [block for block in blocks("yaml") if "kind: Job" in block]
    return yaml.safe_load(found)["spec"]


def aws() -> dict[str, str]:
    """The options of the AWS command."""
    (found,) = [block for block in blocks("bash") if block.startswith("aws ")]
    words = shlex.split(found.replace("\\\n", " "))
    return dict(zip(words[3::2], words[4::2], strict=True))


@pytest.fixture
def run(shared: Path, observer: Path, tmp_path: Path) -> Callable[..., None]:
    """Runs a command in a folder with what the page names, and with `froq` for this machine."""
    (tmp_path / "network.yaml").write_text(blocks("yaml")[0].replace("64", "4"))
    (tmp_path / "mobilefacenet_casia.ckpt").symlink_to(shared / "data" / "weights" / "mobilefacenet_casia.ckpt")
    (tmp_path / "observer.json").symlink_to(observer)
    (tmp_path / "crops").mkdir()
    for image in sorted((shared / "data" / "faces").glob("*/*.jpg"))[:18]:
        (tmp_path / "crops" / image.name).symlink_to(image)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "froq").write_text(FROQ.format(python=shlex.quote(sys.executable)))
    (tmp_path / "bin" / "froq").chmod(0o755)
    path = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"

    def run_command(*command: str, **variables: object) -> None:
        told = {name: str(value) for name, value in variables.items()}
        environment = os.environ | {"PATH": path, "OMP_NUM_THREADS": "1"} | told
        subprocess.run(command, cwd=tmp_path, env=environment, check=True, stdout=subprocess.DEVNULL)

    return run_command


def test_the_jobs_of_every_scheduler_make_the_scores_of_one_run(run: Callable[..., None], tmp_path: Path) -> None:
    local, script = (block for block in blocks("bash") if "froq predict" in block and not block.startswith("aws "))
    one_run = local.splitlines()[0].partition(" --part")[0]
    run("sh", "-c", one_run)
    whole = (tmp_path / "scores.csv").read_bytes()
    (tmp_path / "scores.csv").unlink()

    def merged() -> bytes:
        assert len(list(tmp_path.glob(f"scores.csv.part-*-of-{PARTS}"))) == PARTS
        run("froq", "merge", "scores.csv")
        content = (tmp_path / "scores.csv").read_bytes()
        for path in tmp_path.glob("scores.csv*"):
            path.unlink()
        return content

    (tmp_path / "parts.sh").write_text(script)
    (first, last) = re.findall(r"--array=(\d+)-(\d+)", script)[0]
    for number in range(int(first), int(last) + 1):
        run("bash", "parts.sh", SLURM_ARRAY_TASK_ID=number, **SLURM)
    assert merged() == whole
    (container,) = job()["template"]["spec"]["containers"]
    for index in range(job()["completions"]):
        run(*container["command"], *container["args"], JOB_COMPLETION_INDEX=index)
    assert merged() == whole
    size = int(aws()["--array-properties"].removeprefix("size="))
    command = json.loads(aws()["--container-overrides"])["command"]
    for index in range(size):
        run(*command, AWS_BATCH_JOB_ARRAY_INDEX=index)
    assert merged() == whole
    run("bash", "-ec", local)
    assert (tmp_path / "scores.csv").read_bytes() == whole
