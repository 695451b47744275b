"""A run that is killed goes on with the same command, and ends as if nothing had happened."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from froq_lightning.cli import main
from froq_lightning.errors import JournalError
from froq_lightning.journal.shard import Shard
from froq_lightning.runs.quality_batch import QualityBatch, score_batch

Rows = list[dict[str, str]]
# Enough batches that a run is still busy when its journal has the first ones.
COUNT, BATCH = 96, "--data.batch_size=2"
HOLD = """
import fcntl, sys, time
file = open(sys.argv[1], "wb")
fcntl.lockf(file, fcntl.LOCK_EX)
print("held", end="", flush=True)
time.sleep(60)
"""
SLOW_TO_END = """
import time
from lightning.pytorch import Callback


class SlowToEnd(Callback):
    def on_exception(self, trainer, pl_module, exception):
        if trainer.is_global_zero:
            time.sleep(7)
"""
pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")


@pytest.fixture
def many(shared: Path, tmp_path: Path) -> Path:
    """Faces in a folder, one file that is no image among them."""
    folder = tmp_path / "many"
    folder.mkdir()
    for number, image in enumerate(sorted((shared / "data" / "faces").glob("*/*.jpg"))[:COUNT]):
        (folder / f"{number:03}.jpg").symlink_to(image)
    (folder / "005b.jpg").write_text("no image")
    return folder


def kill_when(
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


def wait_until_free(path: Path) -> None:
    """Wait until the process that writes to a shard notices that it is alone, and lets it go."""
    until = time.monotonic() + 60
    while True:
        try:
            Shard(path).close()
        except JournalError:
            assert time.monotonic() < until
            time.sleep(0.05)
        else:
            return


def scoring(network: tuple[str, ...], observer: Path, source: Path, output: Path, *options: str) -> list[str]:
    asked = [f"--model.observer={observer}", f"--data.source={source}", f"--output={output}", BATCH]
    return ["predict", *network, *asked, f"--embeddings={output.with_suffix('.npy')}", *options]


def test_a_killed_prediction_goes_on_to_the_same_bytes(
    network: tuple[str, ...], observer: Path, many: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain, killed = tmp_path / "plain" / "scores.csv", tmp_path / "killed" / "scores.csv"
    assert main(scoring(network, observer, many, plain)) == 0
    table = capsys.readouterr().out.split("quality 0..100")[1].replace(str(plain), "OUTPUT")
    command = scoring(network, observer, many, killed)
    kill_when(killed.parent / "scores.csv.partial", command)
    assert not killed.exists()
    capsys.readouterr()
    assert main(command) == 0
    out = capsys.readouterr().out
    done = re.search(rf"going on: (\d+) of {COUNT + 1} done", out)
    assert done is not None
    assert 0 < int(done[1]) < COUNT
    assert out.split("quality 0..100")[1].replace(str(killed), "OUTPUT") == table
    for suffix in (".csv", ".npy"):
        assert killed.with_suffix(suffix).read_bytes() == plain.with_suffix(suffix).read_bytes()
    assert {path.name for path in killed.parent.iterdir()} == {"scores.csv", "scores.npy", "scores.config.yaml"}


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
    number: signal.Signals,
    code: int,
    options: tuple[str, ...],
    network: tuple[str, ...],
    observer: Path,
    many: Path,
    tmp_path: Path,
) -> None:
    journal = tmp_path / "scores.csv.partial"
    command = scoring(network, observer, many, tmp_path / "scores.csv", *options)
    ended, told = kill_when(journal, command, number=number)
    assert ended == code
    assert told.split("\n") == ["", "froq: interrupted; the same command goes on with what is done", ""]
    assert (journal / "0.shard").exists()


def test_the_first_process_ends_in_order_even_if_that_takes_long(
    network: tuple[str, ...], observer: Path, many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lightning looks every 5 seconds whether a process died, and then kills the others."""
    (tmp_path / "slow_to_end.py").write_text(SLOW_TO_END)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    two = ("--trainer.devices=2", "--trainer.strategy=ddp", "--trainer.callbacks+=slow_to_end.SlowToEnd")
    command = scoring(network, observer, many, tmp_path / "scores.csv", *two)
    ended, _ = kill_when(tmp_path / "scores.csv.partial", command, number=signal.SIGINT)
    assert ended == 130


def test_what_changed_since_is_refused_and_told(
    network: tuple[str, ...],
    observer: Path,
    many: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    rows: Callable[[Path], Rows],
) -> None:
    output = tmp_path / "out" / "scores.csv"
    kill_when(output.parent / "scores.csv.partial", scoring(network, observer, many, output))
    other = tmp_path / "observer.json"
    other.write_text(observer.read_text(encoding="utf-8").replace('"licence": "unknown"', '"licence": "known"'))
    assert other.read_bytes() != observer.read_bytes()
    changes = {
        "data.resize was False, now is True": scoring(network, observer, many, output, "--data.resize=true"),
        "data.batch_size was 2, now is 3": scoring(network, observer, many, output, "--data.batch_size=3"),
        "model.observer was": scoring(network, other, many, output),
        "model.embeddings was True, now is False": scoring(network, observer, many, output, "--embeddings=null"),
    }
    for told, command in changes.items():
        assert main(command) == 2
        assert told in capsys.readouterr().err
    (many / "000.jpg").rename(many / "new.jpg")
    command = scoring(network, observer, many, output)
    assert main(command) == 2
    assert "images: 1 gone (000.jpg), 1 new (new.jpg)" in capsys.readouterr().err
    assert main([*command, "--restart=true"]) == 0
    assert len(rows(output)) == COUNT + 1


def test_a_journal_that_another_run_writes_to_is_left_alone(
    network: tuple[str, ...], observer: Path, many: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shard = tmp_path / "scores.csv.partial" / "0.shard"
    shard.parent.mkdir()
    holding = subprocess.Popen([sys.executable, "-c", HOLD, str(shard)], stdout=subprocess.PIPE)
    with holding:
        assert holding.stdout is not None
        assert holding.stdout.read(4) == b"held"
        assert main(scoring(network, observer, many, tmp_path / "scores.csv")) == 2
        holding.kill()
    assert "another run is writing to" in capsys.readouterr().err
    assert not (tmp_path / "scores.csv").exists()


def test_what_does_not_change_the_scores_may_change(
    network: tuple[str, ...], observer: Path, many: Path, tmp_path: Path
) -> None:
    plain, killed = tmp_path / "plain.csv", tmp_path / "killed.csv"
    assert main(scoring(network, observer, many, plain)) == 0
    command = scoring(network, observer, many, killed)
    kill_when(tmp_path / "killed.csv.partial", command)
    assert main([*command, "--data.workers=1", "--trainer.enable_progress_bar=true"]) == 0
    assert killed.read_bytes() == plain.read_bytes()


def test_a_batch_size_that_was_found_is_kept(
    network: tuple[str, ...], observer: Path, many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = iter([4, 8])
    monkeypatch.setattr("froq_lightning.data.loading.fastest_batch_size", lambda *_: next(found))
    plain, broken = tmp_path / "plain.csv", tmp_path / "broken.csv"
    assert main(scoring(network, observer, many, plain, "--data.batch_size=4")) == 0
    command = scoring(network, observer, many, broken, "--data.batch_size=auto")
    steps = iter(range(5))

    def score(*arguments: Any, **options: Any) -> QualityBatch:
        if next(steps, None) is None:
            raise RuntimeError("out of memory")
        return score_batch(*arguments, **options)

    with monkeypatch.context() as broken_down:
        broken_down.setattr("froq_lightning.module.score_batch", score)
        assert main(command) == 2
    assert main(command) == 0
    assert broken.read_bytes() == plain.read_bytes()


@pytest.fixture
def people(shared: Path, tmp_path: Path) -> Path:
    """Faces in folders of their subjects."""
    folder = tmp_path / "people"
    folder.mkdir()
    for subject in sorted((shared / "data" / "faces").iterdir())[:8]:
        (folder / subject.name).symlink_to(subject)
    return folder


LABELLED = {
    "image by image": ("many", "--model.labeller={noise: 0, occlusion: 2}"),
    "as a set": ("people", "--model.labeller=mated", "--data.degrade.copies=2"),
    "as suits images without subjects": ("many", "--model.labeller=auto"),
    "as suits few subjects": ("people", "--model.labeller=auto", "--data.degrade.share=0.5"),
}


@pytest.mark.parametrize("how", LABELLED)
def test_a_killed_labelling_goes_on_to_the_same_observer(
    how: str, network: tuple[str, ...], request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    name, *labeller = LABELLED[how]
    source: Path = request.getfixturevalue(name)
    for image in sorted(source.iterdir())[40:]:  # each takes several passes
        image.unlink()
    asked = [*labeller, f"--data.source={source}", "--report=false", BATCH]
    commands = {
        name: ["validate", *network, *asked, f"--output={tmp_path / name / 'observer.json'}"]
        for name in ("plain", "killed")
    }
    assert main([*commands["plain"], "--model.preset=paper"]) == 0
    kill_when(tmp_path / "killed" / "observer.json.partial", commands["killed"])
    assert main([*commands["killed"], "--model.preset=paper"]) == 0
    for file in ("observer.json", "observer.images.csv"):
        assert (tmp_path / "killed" / file).read_bytes() == (tmp_path / "plain" / file).read_bytes()
    assert not (tmp_path / "killed" / "observer.json.partial").exists()


def test_a_killed_first_process_ends_the_second_and_both_go_on(
    network: tuple[str, ...], observer: Path, many: Path, tmp_path: Path
) -> None:
    plain, killed = tmp_path / "plain" / "scores.csv", tmp_path / "killed" / "scores.csv"
    two = ("--trainer.devices=2", "--trainer.strategy=ddp")
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    start = [sys.executable, "-m", "froq_lightning"]
    subprocess.run([*start, *scoring(network, observer, many, plain, *two)], check=True, env=environment, timeout=300)
    command = scoring(network, observer, many, killed, *two)
    kill_when(killed.parent / "scores.csv.partial", command, shards=2)
    wait_until_free(killed.parent / "scores.csv.partial" / "1.shard")
    ran = subprocess.run([*start, *command], capture_output=True, text=True, check=False, env=environment, timeout=300)
    assert ran.returncode == 0, ran.stderr
    for suffix in (".csv", ".npy"):
        assert killed.with_suffix(suffix).read_bytes() == plain.with_suffix(suffix).read_bytes()


def test_images_that_allow_no_observer_leave_no_journal(
    network: tuple[str, ...], shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "few").mkdir()
    for image in sorted((shared / "data" / "faces").glob("*/*.jpg"))[:3]:
        (tmp_path / "few" / image.name).symlink_to(image)
    asked = [f"--data.source={tmp_path / 'few'}", "--model.labeller=embedding_norm", "--report=false"]
    output = tmp_path / "out" / "observer.json"
    assert main(["validate", *network, *asked, f"--output={output}"]) == 2
    assert "Expected at least 10 usable calibration images, but got 3" in capsys.readouterr().err
    assert not (output.parent / "observer.json.partial").exists()
