"""A calibration on a sample that is killed goes on with the same images."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from froq_lightning.cli import main

Kill = Callable[..., tuple[int, str]]
pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")]


def test_a_killed_calibration_goes_on_with_the_same_draw_and_refuses_another(
    many: Path, network: tuple[str, ...], kill_when: Kill, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--data.sample=20", "--data.batch_size=2", "--report=false"]
    plain, killed = (
        ["validate", *network, f"--data.source={many}", *options, f"--output={tmp_path / name / 'observer.json'}"]
        for name in ("plain", "killed")
    )
    assert main(plain) == 0
    kill_when(tmp_path / "killed" / "observer.json.partial", killed)
    assert main([*killed, "--data.seed=4"]) == 2
    assert "data.sample.seed was 0" in capsys.readouterr().err
    assert main(killed) == 0
    assert "going on: " in capsys.readouterr().out
    for file in ("observer.json", "observer.images.csv", "observer.sample.csv"):
        assert (tmp_path / "killed" / file).read_bytes() == (tmp_path / "plain" / file).read_bytes()
