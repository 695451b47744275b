"""What befalls the processes that read images ends the run: it does not wait for them for ever."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

FROQ = (sys.executable, "-m", "froq_lightning")
# A mount namespace of its own, in which the shared memory is small.
SMALL = ("unshare", "--map-root-user", "--mount", "sh", "-c", 'mount -t tmpfs -o size=200k tmpfs /dev/shm && exec "$@"')
LARGER = (*SMALL[:-1], SMALL[-1].replace("200k", "500k"))  # a batch of nine fits, but not the slots of three
needs_namespace = pytest.mark.skipif(
    sys.platform != "linux" or subprocess.run((*SMALL, "sh", "true"), capture_output=True, check=False).returncode != 0,
    reason="needs a mount namespace",
)
pytestmark = pytest.mark.slow


@pytest.fixture
def scoring(network: tuple[str, ...], observer: Path, faces: Path, tmp_path: Path) -> tuple[str, ...]:
    """Scores nine faces, which a process of its own reads."""
    asked = (f"--model.observer={observer}", f"--data.source={faces}", f"--output={tmp_path / 'scores.csv'}")
    return ("predict", *network, *asked, "--data.workers=1")


@needs_namespace
def test_a_batch_that_does_not_fit_into_shared_memory_ends_the_run(scoring: tuple[str, ...]) -> None:
    command = (*SMALL, "sh", *FROQ, *scoring, "--data.batch_size=9")
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert ran.returncode == 2
    told = "froq: error: a batch does not fit into shared memory; set --data.workers 0, or give the machine a larger"
    assert ran.stderr.startswith(told)
    assert ran.stderr.count("\n") == 1


@needs_namespace
def test_batches_that_fit_into_shared_memory_one_at_a_time_are_read(scoring: tuple[str, ...], tmp_path: Path) -> None:
    command = (*LARGER, "sh", *FROQ, *scoring, "--data.batch_size=9")
    subprocess.run(command, capture_output=True, check=True, timeout=120)
    assert (tmp_path / "scores.csv").read_text().count(",ok,") == 9


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_a_reading_process_that_is_killed_ends_the_run(scoring: tuple[str, ...], tmp_path: Path) -> None:
    slow = (*scoring, "--data.batch_size=1")
    run = subprocess.Popen((*FROQ, *slow), stderr=subprocess.PIPE, text=True)
    children = Path(f"/proc/{run.pid}/task/{run.pid}/children")
    while not (tmp_path / "scores.csv.partial" / "0.shard").exists() or not children.read_text():
        assert run.poll() is None
        time.sleep(0.005)
    os.kill(int(children.read_text().split()[-1]), signal.SIGKILL)
    told = run.communicate(timeout=120)[1]
    assert run.returncode == 2
    assert told.startswith("froq: error: a process that reads images ended: ")
    assert told.count("\n") == 1
