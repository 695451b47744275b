"""A run that is interrupted, fails, or finds its journal taken says so, and leaves what is of use."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from froq_lightning.cli import main

Scoring = Callable[..., list[str]]
Kill = Callable[..., tuple[int, str]]
HOLD = """
import fcntl, sys, time
file = open(sys.argv[1], "wb")
fcntl.lockf(file, fcntl.LOCK_EX)
print("held", end="", flush=True)
time.sleep(60)
"""
CALLBACKS = """
import time
from lightning.pytorch import Callback


class SlowToEnd(Callback):
    def on_exception(self, trainer, pl_module, exception):
        if trainer.is_global_zero:
            time.sleep(7)


class Failing(Callback):
    def on_predict_batch_end(self, trainer, pl_module, outputs, batch, batch_idx, dataloader_idx=0):
        if batch_idx:
            raise RuntimeError("out of memory")
"""
pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")]


@pytest.fixture
def callbacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The module of the callbacks, which this process and those that it starts can import."""
    (tmp_path / "own_callbacks.py").write_text(CALLBACKS)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    return "own_callbacks"


@pytest.mark.parametrize(
    ("number", "code", "options"),
    [
        (signal.SIGINT, 130, ("--data.workers=2",)),
        (signal.SIGTERM, 143, ("--data.workers=1",)),
        (signal.SIGINT, 130, ("--trainer.devices=2", "--trainer.strategy=ddp")),
        (signal.SIGINT, 130, ("--trainer.devices=2", "--trainer.strategy=ddp_spawn")),
    ],
)
def test_an_interrupted_run_says_that_the_same_command_goes_on(
    number: signal.Signals, code: int, options: tuple[str, ...], scoring: Scoring, kill_when: Kill, tmp_path: Path
) -> None:
    journal = tmp_path / "scores.csv.partial"
    command = scoring(tmp_path / "scores.csv", *options)
    ended, told = kill_when(journal, command, number=number)
    assert ended == code
    assert told.split("\n") == ["", "froq: interrupted; the same command goes on with what is done", ""]
    assert (journal / "0.shard").exists()


def test_the_first_process_ends_in_order_even_if_that_takes_long(
    scoring: Scoring, kill_when: Kill, callbacks: str, tmp_path: Path
) -> None:
    """Lightning looks every 5 seconds whether a process died, and then kills the others."""
    two = ("--trainer.devices=2", "--trainer.strategy=ddp", f"--trainer.callbacks+={callbacks}.SlowToEnd")
    command = scoring(tmp_path / "scores.csv", *two)
    ended, _ = kill_when(tmp_path / "scores.csv.partial", command, number=signal.SIGINT)
    assert ended == 130


def test_a_journal_that_another_run_writes_to_is_left_alone(
    scoring: Scoring, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shard = tmp_path / "scores.csv.partial" / "0.shard"
    shard.parent.mkdir()
    holding = subprocess.Popen([sys.executable, "-c", HOLD, str(shard)], stdout=subprocess.PIPE)
    with holding:
        assert holding.stdout is not None
        assert holding.stdout.read(4) == b"held"
        assert main(scoring(tmp_path / "scores.csv")) == 2
        holding.kill()
    assert "another run is writing to" in capsys.readouterr().err
    assert not (tmp_path / "scores.csv").exists()


def test_a_run_that_failed_with_a_batch_size_of_its_own_choice_goes_on(
    scoring: Scoring, callbacks: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [*scoring(tmp_path / "scores.csv"), "--data.batch_size=auto"]
    assert main([*command, f"--trainer.callbacks={callbacks}.Failing"]) == 2
    assert "out of memory" in capsys.readouterr().err
    assert main(command) == 0
    assert "going on: " in capsys.readouterr().out
    assert (tmp_path / "scores.csv").read_text().count(",ok,") == 96
