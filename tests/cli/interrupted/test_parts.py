"""Parts of a run that are killed go on as runs do, and merge to the bytes of an undisturbed run."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from froq_lightning.cli import main

Scoring = Callable[..., list[str]]
Kill = Callable[..., tuple[int, str]]
pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")]


def require_same_bytes(whole: Path, merged: Path) -> None:
    for suffix in (".csv", ".npy"):
        assert merged.with_suffix(suffix).read_bytes() == whole.with_suffix(suffix).read_bytes()


def test_a_killed_part_goes_on_and_the_merge_is_that_of_an_undisturbed_run(
    scoring: Scoring, kill_when: Kill, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, merged = tmp_path / "whole" / "scores.csv", tmp_path / "merged" / "scores.csv"
    assert main(scoring(whole)) == 0
    command = scoring(merged)
    kill_when(merged.parent / "scores.csv.part-2-of-3.partial", [*command, "--part=2/3"])
    for part in ("1/3", "3/3"):
        assert main([*command, f"--part={part}"]) == 0
    embeddings = f"--embeddings={merged.with_suffix('.npy')}"
    assert main(["merge", str(merged), embeddings]) == 2
    assert "missing of 3 parts: 2" in capsys.readouterr().err
    assert main([*command, "--part=2/3"]) == 0
    assert "going on: " in capsys.readouterr().out
    assert main(["merge", str(merged), embeddings]) == 0
    require_same_bytes(whole, merged)
    files = {path.name for path in merged.parent.iterdir() if "part" not in path.name}
    assert files == {"scores.csv", "scores.npy", "scores.config.yaml"}
    assert not list(merged.parent.glob("*.partial"))


@pytest.mark.skipif(not torch.distributed.is_gloo_available(), reason="needs torch built with gloo")
def test_parts_of_two_processes_make_the_bytes_of_a_run_of_two(scoring: Scoring, tmp_path: Path) -> None:
    whole, merged = tmp_path / "whole" / "scores.csv", tmp_path / "merged" / "scores.csv"
    two = ("--trainer.devices=2", "--trainer.strategy=ddp_spawn")
    assert main(scoring(whole, *two)) == 0
    command = scoring(merged, *two)
    for part in ("2/2", "1/2"):
        assert main([*command, f"--part={part}"]) == 0
    assert main(["merge", str(merged), f"--embeddings={merged.with_suffix('.npy')}"]) == 0
    require_same_bytes(whole, merged)
