"""Runs that are killed or interrupted while they are busy."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

# Enough batches that a run is still busy when its journal has the first ones.
COUNT, BATCH = 96, "--data.batch_size=2"


@pytest.fixture
def many(shared: Path, tmp_path: Path) -> Path:
    """Faces in a folder, one file that is no image among them."""
    folder = tmp_path / "many"
    folder.mkdir()
    for number, image in enumerate(sorted((shared / "data" / "faces").glob("*/*.jpg"))[:COUNT]):
        (folder / f"{number:03}.jpg").symlink_to(image)
    (folder / "005b.jpg").write_text("no image")
    return folder


@pytest.fixture
def scoring(network: tuple[str, ...], observer: Path, many: Path) -> Callable[..., list[str]]:
    """`scoring(output, *options)`: the command that scores `many` into a file."""

    def command(output: Path, *options: str) -> list[str]:
        paths = [f"--model.observer={observer}", f"--data.source={many}", f"--output={output}", BATCH]
        return ["predict", *network, *paths, f"--embeddings={output.with_suffix('.npy')}", *options]

    return command


@pytest.fixture(scope="session")
def kill_when() -> Callable[..., tuple[int, str]]:
    """Starts a command, and kills it once its journal has grown."""

    def kill(
        journal: Path, arguments: list[str], shards: int = 1, steps: int = 3, number: signal.Signals = signal.SIGKILL
    ) -> tuple[int, str]:
        """Start `froq` in a process group of its own, and signal the group once every process has recorded some steps.

        Kill the first process alone. Return what it ends with, and what it tells.
        """
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "froq_lightning", *arguments]
        told = None if number == signal.SIGKILL else subprocess.PIPE
        run = subprocess.Popen(command, env=environment, start_new_session=True, stderr=told, text=True)
        try:
            sizes = [0] * shards
            grown = [0] * shards
            while min(grown) <= steps:
                assert run.poll() is None, "the run ended before it could be killed"
                time.sleep(0.005)
                for rank in range(shards):
                    path = journal / f"{rank}.shard"
                    size = path.stat().st_size if path.exists() else 0
                    grown[rank] += size > sizes[rank]
                    sizes[rank] = size
            if number != signal.SIGKILL:
                os.killpg(run.pid, number)
                _, err = run.communicate(timeout=60)
                return run.returncode, err
        finally:
            run.send_signal(signal.SIGKILL)
            run.wait()
        return run.returncode, ""

    return kill
