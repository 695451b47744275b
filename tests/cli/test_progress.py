"""Progress in images, of real runs on a terminal and off it."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pseudo_terminal import run_in_terminal, screen_text

FROQ = (sys.executable, "-m", "froq_lightning")
# As fast as the images come, in place of every 0.2 and every 30 seconds.
EAGER = """
import sys
from froq_lightning.terminal import progress
progress.SECONDS_BETWEEN_DRAWINGS = progress.SECONDS_BETWEEN_LINES = 0.0
from froq_lightning.cli import main
sys.exit(main())
"""
EAGER_FROQ = (sys.executable, "-c", EAGER)
HIDE_CURSOR = "\x1b[?25l"
Scoring = Callable[..., list[str]]

pytestmark = pytest.mark.slow


@pytest.fixture
def scoring(network: tuple[str, ...], observer: Path, faces: Path, tmp_path: Path) -> list[str]:
    """A command that scores nine faces and a file that is no image, two at a time, with progress."""
    (faces / "z.jpg").write_text("no image")
    options = [each for each in network if not each.startswith("--trainer.enable_progress_bar")]
    paths = [f"--model.observer={observer}", f"--data.source={faces}", f"--output={tmp_path / 'scores.csv'}"]
    return ["predict", *options, *paths, "--data.batch_size=2"]


def test_a_bar_counts_images_and_failures_and_leaves_its_last_line(scoring: list[str]) -> None:
    status, printed = run_in_terminal([*EAGER_FROQ, *scoring], 100)
    assert status == 0
    assert "━" in printed
    assert HIDE_CURSOR not in printed
    shown = [int(count) for count in re.findall(r"  (\d+) of 10 images", printed)]
    assert shown == [0, 2, 4, 6, 8, 10, 10]
    assert re.search(r"8 of 10 images, [\d.]+ images/s, 0:0\d left", printed)
    screen = screen_text(printed)
    assert re.search(r"^score  10 of 10 images, [\d.]+ images/s, 1 failed, took 0:\d\d$", screen, re.MULTILINE)
    assert "\n1 could not be scored: z.jpg" in screen
    assert screen.count("10 of 10 images") == 1
    assert "writing" not in screen
    assert "━" not in screen


@pytest.mark.parametrize("columns", [20, 40, 80])
def test_the_bar_is_no_longer_than_the_terminal_is_wide(columns: int, scoring: list[str]) -> None:
    _, printed = run_in_terminal([*EAGER_FROQ, *scoring], columns)
    drawn = [screen_text(each) for each in re.findall(r"\x1b\[2K([^\r]+)\r", printed) if "score" in each]
    bars = [each for each in drawn if "images" in each or "━" in each or "…" in each]
    assert bars
    assert max(map(len, bars)) < columns


@pytest.mark.parametrize("option", ["--quiet", "--trainer.enable_progress_bar=false"])
def test_there_is_no_bar_where_none_is_wanted(option: str, scoring: list[str]) -> None:
    _, printed = run_in_terminal([*EAGER_FROQ, *scoring, option], 120)
    assert "of 10 images" not in printed
    assert "━" not in printed
    assert ("scores: " in screen_text(printed)) == (option != "--quiet")
    assert "! the observer was calibrated on only 40 images" in screen_text(printed)  # scores may be doubtful


def test_another_progress_bar_takes_its_place(scoring: list[str]) -> None:
    bar = "--trainer.callbacks=lightning.pytorch.callbacks.TQDMProgressBar"
    _, printed = run_in_terminal([*FROQ, *scoring, bar])
    assert "5/5" in printed
    assert "of 10 images" not in printed


def test_off_a_terminal_a_short_run_says_nothing_and_a_long_one_a_line_now_and_then(scoring: list[str]) -> None:
    short = subprocess.run([*FROQ, *scoring], capture_output=True, text=True, check=True)
    assert short.stderr == ""
    long = subprocess.run([*EAGER_FROQ, *scoring], capture_output=True, text=True, check=True)
    assert long.stdout == short.stdout
    lines = long.stderr.splitlines()
    assert [line.partition(" images")[0] for line in lines] == [f"score: {count} of 10" for count in (2, 4, 6, 8, 10)]
    assert re.fullmatch(r"score: 10 of 10 images, [\d.]+ images/s, 1 failed", lines[-1])


def test_a_dumb_terminal_gets_no_bar(scoring: list[str]) -> None:
    _, printed = run_in_terminal([*FROQ, *scoring], TERM="dumb")
    assert "\x1b" not in printed
    assert "of 10 images" not in printed
    assert "1 could not be scored" in printed


def test_ctrl_c_ends_the_bar_and_a_resumed_run_counts_what_is_done(scoring: list[str], tmp_path: Path) -> None:
    sent = []

    def interrupt(printed: str, process: int) -> None:
        if "  4 of 10 images" in printed and not sent:  # a second one would not wait for the journal
            sent.append(signal.SIGINT)
            os.killpg(process, sent[0])

    slow = EAGER.replace("sys.exit", "import time; from froq_lightning.callbacks import progress as shown\nsys.exit")
    slow = slow.replace(
        "\nsys.exit", "\ncounts = shown._counts\nshown._counts = lambda *a: time.sleep(1) or counts(*a)\nsys.exit"
    )
    status, printed = run_in_terminal([sys.executable, "-c", slow, *scoring], 100, meanwhile=interrupt)
    assert status == 130
    assert HIDE_CURSOR not in printed
    assert screen_text(printed).splitlines()[-1] == "froq: interrupted; the same command goes on with what is done"
    assert (tmp_path / "scores.csv.partial").is_dir()
    status, printed = run_in_terminal([*EAGER_FROQ, *scoring], 100)
    assert status == 0
    shown = [int(count) for count in re.findall(r"  (\d+) of 10 images", printed)]
    assert shown[0] >= 4
    assert shown[-1] == 10
    assert "going on: " in printed


def test_an_error_stands_below_the_bar(scoring: list[str], tmp_path: Path) -> None:
    broken = EAGER.replace("sys.exit", "from froq_lightning.module import FroqModule\nsys.exit").replace(
        "\nsys.exit", "\nFroqModule.on_predict_batch_end = lambda *_: 1 / 0\nsys.exit"
    )
    status, printed = run_in_terminal([sys.executable, "-c", broken, *scoring], 100)
    assert status == 2
    *_, bar, error = (line for line in screen_text(printed).splitlines() if line)
    assert "of 10 images" in bar
    assert error.startswith("froq: error: ZeroDivisionError")
    assert not (tmp_path / "scores.csv").exists()


def test_calibration_and_evaluation_say_what_follows_the_pass(
    network: tuple[str, ...], manifest: Path, observer: Path, shared: Path, tmp_path: Path
) -> None:
    options = [each for each in network if not each.startswith("--trainer.enable_progress_bar")]
    command = ["validate", *options, f"--data.source={manifest}", f"--output={tmp_path / 'observer.json'}"]
    status, printed = run_in_terminal([*EAGER_FROQ, *command], 120)
    assert status == 0
    assert "choosing layers …" in printed
    assert re.search(r"^calibrate  40 of 40 images", screen_text(printed), re.MULTILINE)
    (tmp_path / "pairs.csv").write_text(
        "\n".join((shared / "data" / "pairs_cross_quality.csv").read_text().splitlines()[:40] + _non_mated(shared))
    )
    command = ["test", *options, f"--model.observer={observer}", f"--data.source={tmp_path / 'pairs.csv'}"]
    command += [f"--data.root={shared / 'data'}", f"--output={tmp_path / 'results.csv'}", "--model.metrics.fmr=[0.1]"]
    status, printed = run_in_terminal([*EAGER_FROQ, *command], 120)
    assert status == 0
    assert "comparing …" in printed
    assert re.search(r"^evaluate  (\d+) of \1 images", screen_text(printed), re.MULTILINE)


def _non_mated(shared: Path) -> list[str]:
    lines = (shared / "data" / "pairs_cross_quality.csv").read_text().splitlines()
    return [line for line in lines if line.endswith(",0")][:60]
