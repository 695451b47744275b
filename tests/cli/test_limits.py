"""A run that the Trainer limits to some batches gives the rows of these, and is not taken for a whole one."""

from collections.abc import Callable
from pathlib import Path

import pytest
from jsonargparse import ArgumentParser

from froq_lightning.cli import main
from froq_lightning.cli.trainer import FroqTrainer

Rows = list[dict[str, str]]
Refused = Callable[..., str]
LATE = """
from lightning.pytorch import Callback

class Late(Callback):
    def on_predict_end(self, trainer: object, module: object) -> None:
        raise ValueError("late")

class Early(Callback):
    def on_predict_batch_end(self, trainer, module, outputs, batch, batch_idx, dataloader_idx=0):
        if batch_idx:
            raise ValueError("early")
"""


@pytest.fixture
def scoring(
    network: tuple[str, ...], observer: Path, faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    """Scores nine faces in five batches."""
    (tmp_path / "failing_callbacks.py").write_text(LATE)
    monkeypatch.syspath_prepend(tmp_path)
    options = ("--data.batch_size=2", f"--output={tmp_path / 'scores.csv'}", f"--embeddings={tmp_path / 'scores.npy'}")
    return ["predict", *network, f"--model.observer={observer}", f"--data.source={faces}", *options]


@pytest.mark.parametrize(
    ("option", "count"),
    [
        ("fast_dev_run=2", 4),
        ("limit_predict_batches=3", 6),
        ("limit_predict_batches=50", 9),
        ("limit_predict_batches=1.0", 9),
        ("limit_predict_batches=0.5", 4),
        ("max_time=00:00:00:01", 9),
    ],
)
def test_a_limited_prediction_has_the_rows_of_its_batches(
    option: str, count: int, scoring: list[str], tmp_path: Path, rows: Callable[[Path], Rows]
) -> None:
    assert main([*scoring, f"--trainer.{option}"]) == 0
    limited = rows(tmp_path / "scores.csv")
    assert main(scoring) == 0
    assert limited == rows(tmp_path / "scores.csv")[:count]
    assert not (tmp_path / "scores.csv.partial").exists()


@pytest.mark.parametrize("stage", ["val", "predict", "test"])
def test_one_batch_is_no_share(stage: str) -> None:
    """`typing` orders Lightning's annotation as whoever wrote an equal one first; ours must not depend on that."""
    name = f"limit_{stage}_batches"
    assert str(FroqTrainer.__init__.__annotations__[name]) == "int | float | None"
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(FroqTrainer)
    for text, expected in (("1", 1), ("1.0", 1.0), ("0.5", 0.5)):
        value = parser.parse_args([f"--{name}={text}"])[name]
        assert (value, type(value)) == (expected, type(expected))


@pytest.mark.parametrize("limit", ["0", "0.1"])
def test_a_prediction_without_a_batch_is_refused_and_leaves_nothing(
    limit: str, scoring: list[str], tmp_path: Path, refused: Refused
) -> None:
    assert "limit_predict_batches" in refused(*scoring, f"--trainer.limit_predict_batches={limit}")
    assert not (tmp_path / "scores.csv.partial").exists()


def test_a_limited_run_does_not_go_on_with_a_whole_one(
    scoring: list[str],
    tmp_path: Path,
    refused: Refused,
    capsys: pytest.CaptureFixture[str],
    rows: Callable[[Path], Rows],
) -> None:
    assert main([*scoring, "--trainer.callbacks=failing_callbacks.Early"]) == 2
    limited = refused(*scoring, "--trainer.limit_predict_batches=1")
    assert "limit_predict_batches was None, now is 1" in limited
    assert main(scoring) == 0
    assert "going on: 4 of 9 done" in capsys.readouterr().out
    assert len(rows(tmp_path / "scores.csv")) == 9


@pytest.mark.parametrize(
    "options",
    [
        ("--trainer.callbacks=failing_callbacks.Late",),
        ("--trainer.callbacks=failing_callbacks.Early", "--trainer.limit_predict_batches=3"),
    ],
)
def test_a_failed_run_does_not_block_another_when_its_journal_is_of_no_use(
    options: tuple[str, ...], scoring: list[str], tmp_path: Path, rows: Callable[[Path], Rows]
) -> None:
    assert main([*scoring, *options]) == 2
    assert main([*scoring, "--data.resize=true"]) == 0
    assert len(rows(tmp_path / "scores.csv")) == 9


@pytest.mark.parametrize(
    ("option", "count"), [("fast_dev_run=2", 20), ("limit_val_batches=0.5", 20), ("overfit_batches=3", 30)]
)
def test_a_limited_calibration_is_of_the_images_of_its_batches(
    option: str, count: int, network: tuple[str, ...], manifest: Path, tmp_path: Path, rows: Callable[[Path], Rows]
) -> None:
    options = (f"--data.source={manifest}", "--data.batch_size=10", f"--output={tmp_path / 'observer.json'}")
    assert main(["validate", *network, *options, "--report=false", f"--trainer.{option}"]) == 0
    assert [row["status"] for row in rows(tmp_path / "observer.images.csv")] == ["ok"] * count
    assert not (tmp_path / "observer.json.partial").exists()


def test_a_calibration_on_too_few_batches_names_the_limit(
    network: tuple[str, ...], manifest: Path, refused: Refused
) -> None:
    options = (f"--data.source={manifest}", "--data.batch_size=4", "--trainer.fast_dev_run=true")
    error = refused("validate", *network, *options)
    assert "Expected at least 10 usable calibration images, but got 4" in error
    assert error.endswith("; trainer.limit_val_batches is 1")


@pytest.mark.parametrize("option", ["fast_dev_run=true", "limit_test_batches=2", "limit_test_batches=0.5"])
def test_a_limited_evaluation_is_refused(option: str, network: tuple[str, ...], faces: Path, refused: Refused) -> None:
    one, other = sorted(path.name for path in faces.iterdir())[:2]
    (faces / "pairs.csv").write_text(f"image_a,image_b,mated\n{one},{one},1\n{one},{other},0\n")
    options = (f"--data.source={faces / 'pairs.csv'}", "--model.methods=[random]", f"--trainer.{option}")
    assert "Expected `test` to run on all images that are compared" in refused("test", *network, *options)
