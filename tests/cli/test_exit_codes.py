"""The exit codes of real processes, as `froq --help` lists them."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from pseudo_terminal import heed_interrupts

from froq_lightning.cli import main

FROQ = (sys.executable, "-m", "froq_lightning")

pytestmark = pytest.mark.slow


@pytest.fixture
def scoring(network: tuple[str, ...], observer: Path, tmp_path: Path) -> list[str]:
    """The command that scores the folder `faces` into `scores.csv`."""
    paths = [f"--model.observer={observer}", f"--data.source={tmp_path / 'faces'}", "--output=scores.csv"]
    return ["predict", *network, *paths, "--data.batch_size=2"]


def ended(arguments: Sequence[str]) -> tuple[int, str]:
    ran = subprocess.run([*FROQ, *arguments], capture_output=True, text=True, check=False)
    return ran.returncode, ran.stderr


def test_help_tells_each_code_in_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    lines = capsys.readouterr().out.partition("exit codes:\n")[2].partition("\n\n")[0].splitlines()
    assert [line.split()[0] for line in lines] == ["0", "1", "2", "130", "143"]


def test_0_and_1_for_a_gate_that_is_open_and_closed(scoring: list[str], faces: Path, tmp_path: Path) -> None:
    assert ended([*scoring, "--fail-under=0"]) == (0, "")
    status, told = ended([*scoring, "--fail-under=100"])
    assert status == 1
    assert told.startswith("froq: 9 of 9 images are below quality 100, 0 failed; the worst is ")
    assert told.count("\n") == 1
    assert len((tmp_path / "scores.csv").read_text(encoding="utf-8").splitlines()) == 10
    (faces / "z.jpg").write_text("no image")
    status, told = ended([*scoring, "--fail-under=0", "--output=others.csv"])
    assert status == 1
    assert told.startswith("froq: 0 of 10 images are below quality 0, 1 failed; the first is z.jpg: ")


def test_1_where_nothing_was_scored(scoring: list[str], tmp_path: Path) -> None:
    (tmp_path / "faces").mkdir()
    (tmp_path / "faces" / "z.jpg").write_text("no image")
    assert ended(scoring) == (1, "froq: no image could be scored\n")
    assert ended([*scoring, "--fail-under=30"]) == (1, "froq: no image could be scored\n")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--fail-under=101"], "Expected --fail-under to be a quality from 0 to 100, but got 101"),
        (["--fail-under=-1"], "Expected --fail-under to be a quality from 0 to 100, but got -1"),
        (["--fail-under=.nan"], "Expected --fail-under to be a quality from 0 to 100, but got nan"),
        (["--fail-under=30", "--part=1/2"], "Expected --fail-under without --part"),
        (["--sourc=x"], "--sourc"),
    ],
)
def test_2_for_what_cannot_work_before_anything_is_read(
    options: list[str], told: str, scoring: list[str], tmp_path: Path
) -> None:
    status, error = ended([*scoring, *options])
    assert status == 2
    assert error.startswith("froq: error: ")
    assert told in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_128_and_the_number_of_a_signal(
    number: signal.Signals, status: int, scoring: list[str], faces: Path, tmp_path: Path
) -> None:
    for copy in range(40):
        (faces / f"{copy}.jpg").symlink_to(next(iter(faces.glob("[A-Z]*.jpg"))))
    run = subprocess.Popen(
        [*FROQ, *scoring],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        preexec_fn=heed_interrupts,  # noqa: PLW1509 - no threads here
    )
    shard = tmp_path / "scores.csv.partial" / "0.shard"
    while not (shard.exists() and shard.stat().st_size):
        assert run.poll() is None
    run.send_signal(number)
    _, told = run.communicate(timeout=60)
    assert run.returncode == status
    assert told == "\nfroq: interrupted; the same command goes on with what is done\n"


def test_1_where_the_reader_has_gone(scoring: list[str], faces: Path) -> None:
    assert faces.is_dir()
    with subprocess.Popen([*FROQ, *scoring], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        assert run.stderr is not None
        run.stdout.close()
        assert run.stderr.read() == ""
        assert run.wait(timeout=60) == 1
