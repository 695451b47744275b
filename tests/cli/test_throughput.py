"""Options that make runs faster change the scores by rounding alone."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from scipy.stats import spearmanr

from froq_lightning.cli import main

Rows = list[dict[str, str]]


def scores(rows: Rows) -> list[float]:
    return [float(row["quality_score"]) for row in rows]


def test_channels_last_is_the_default_and_changes_nothing_but_rounding(
    faces: Path, predict: Callable[..., Rows], tmp_path: Path
) -> None:
    plain = predict(faces, tmp_path / "plain.csv", "--model.channels_last=false")
    asked = predict(faces, tmp_path / "asked.csv", "--model.channels_last=true")
    assert scores(asked) == pytest.approx(scores(plain), abs=1e-4)  # of norms that are standardised
    assert scores(asked) != scores(plain)
    assert predict(faces, tmp_path / "default.csv") == asked


FAILING = """
from lightning.pytorch import Callback


class Failing(Callback):
    def on_predict_batch_end(self, trainer, pl_module, outputs, batch, batch_idx, dataloader_idx=0):
        if batch_idx:
            raise RuntimeError("out of memory")
"""


def test_a_run_that_goes_on_takes_the_memory_format_of_before_instead_of_measuring_it(
    network: tuple[str, ...],
    observer: Path,
    faces: Path,
    predict: Callable[..., Rows],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "own_failing.py").write_text(FAILING)
    monkeypatch.syspath_prepend(tmp_path)
    options = ("--model.channels_last=false", "--data.batch_size=4")
    plain = predict(faces, tmp_path / "plain.csv", *options)
    command = ["predict", *network, f"--model.observer={observer}", f"--data.source={faces}", *options]
    assert main([*command, f"--output={tmp_path / 'scores.csv'}", "--trainer.callbacks+=own_failing.Failing"]) != 0
    assert "out of memory" in capsys.readouterr().err
    # On a CPU channels last is faster for this network: measured, it would be another run.
    rows = predict(faces, tmp_path / "scores.csv", "--model.channels_last=measure", "--data.batch_size=4")
    printed = capsys.readouterr().out
    assert re.search("going on: [48] of 9 done", printed)
    assert "measured" not in printed
    assert rows == plain


def test_an_observer_of_another_precision_is_warned_of(
    network: tuple[str, ...],
    manifest: Path,
    faces: Path,
    calibrate: Callable[..., Path],
    predict: Callable[..., Rows],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    half = calibrate(network, manifest, "--trainer.precision=bf16-mixed", "--report=false")
    assert '"precision": "bf16-mixed"' in half.read_text()
    caplog.clear()
    predict(faces, tmp_path / "same.csv", f"--model.observer={half}", "--trainer.precision=bf16-mixed")
    assert "was calibrated in" not in caplog.text
    predict(faces, tmp_path / "other.csv", f"--model.observer={half}")
    warning = "the observer was calibrated in bf16-mixed, and scores here in 32-true"
    assert caplog.text.count(warning) == 1


def test_autocast_keeps_norms_in_float32_and_the_ranking(
    faces: Path, predict: Callable[..., Rows], tmp_path: Path
) -> None:
    plain = predict(faces, tmp_path / "plain.csv")
    half = predict(faces, tmp_path / "half.csv", "--trainer.precision=bf16-mixed")
    assert scores(half) == pytest.approx(scores(plain), abs=2e-2)  # of norms that are standardised
    assert len(set(scores(half))) == len(half)  # bf16 norms would be a few coarse steps
    assert spearmanr(scores(half), scores(plain)).statistic > 0.9


def test_a_budget_makes_passes_cheaper(
    network: tuple[str, ...],
    manifest: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    rows: Callable[..., Rows],
) -> None:
    output = tmp_path / "observer.json"
    arguments = ["validate", *network, f"--data.source={manifest}", f"--output={output}", "--report=false"]
    assert main([*arguments, "--model.max_cost=0.5"]) == 0
    assert "of a forward pass, behind which `predict` ends its passes" in capsys.readouterr().out
    layers = rows(output.with_suffix(".layers.csv"))
    chosen = [float(layer["cost"]) for layer in layers if layer["selected"] == "1"]
    assert 0 < max(chosen) <= 0.5
    assert max(float(layer["cost"] or 0) for layer in layers) > 0.9
    assert main([*arguments, "--model.max_cost=0.001"]) == 2
    assert "no layer can be reached within `max_cost` 0.001 of a forward pass" in capsys.readouterr().err


def test_the_fastest_batch_size_is_found_before_the_run(
    faces: Path, predict: Callable[..., Rows], tmp_path: Path
) -> None:
    fixed = predict(faces, tmp_path / "fixed.csv")
    found = predict(faces, tmp_path / "found.csv", "--data.batch_size=auto")
    assert scores(found) == pytest.approx(scores(fixed), rel=1e-5, abs=1e-4)
