"""Whatever is raised ends in one line and exit code 2; a mistyped name is followed by the nearest ones."""

from collections.abc import Callable
from pathlib import Path

import pytest

from froq_lightning.cli import main

Refused = Callable[..., str]
CALLBACKS = """
from lightning.pytorch import Callback

class Raising(Callback):
    def __init__(self) -> None:
        raise KeyError("no such thing")

class Importing(Callback):
    def __init__(self) -> None:
        import not_installed

class Late(Callback):
    def on_predict_batch_end(self, *arguments: object) -> None:
        raise ZeroDivisionError("two\\nlines")

class Last(Callback):
    def on_predict_end(self, trainer: object, module: object) -> None:
        raise PermissionError(13, "Permission denied", "/elsewhere")
"""
PRECISIONS = "Expected `trainer.precision` to be one of 32-true, bf16-mixed, 16-mixed"


@pytest.fixture
def commands(
    network: tuple[str, ...], observer: Path, faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, tuple[str, ...]]:
    """For every verb a command that works; there are callbacks that do not."""
    (tmp_path / "bad_callbacks.py").write_text(CALLBACKS)
    (tmp_path / "own_broken.py").write_text("import not_installed\n")
    monkeypatch.syspath_prepend(tmp_path)
    first, second = sorted(path.name for path in faces.iterdir())[:2]
    Path("pairs.csv").write_text(f"image_a,image_b,mated\nfaces/{first},faces/{second},0\n")
    Path("scores.csv").write_text(f"image,score\nfaces/{first},1\n")
    return {
        "validate": ("validate", *network, "--data.source=faces"),
        "predict": ("predict", *network, "--data.source=faces", f"--model.observer={observer}", "--output=out.csv"),
        "test": ("test", *network, "--data.source=pairs.csv", "--model.methods=[random]"),
    }


@pytest.mark.parametrize(
    ("verb", "option", "message"),
    [
        # of LightningCLI
        ("predict", "--trainer.devices=two", "should be an int > 0.; trainer.devices is 'two'"),
        ("predict", "--trainer.devices=0", "`Trainer(devices='0')` value is not a valid input"),
        ("predict", "--trainer.strategy=dpp", "Example choices: auto, ddp, "),
        ("predict", "--trainer.accelerator=cpuu", "Available names are: auto, "),
        ("predict", "--trainer.profiler=simpl", "['simple', 'advanced', "),
        ("predict", "--trainer.precision=8-bit", "trainer.precision: 8-bit is none of "),
        ("predict", "--trainer.logger=WandbLoger", "WandbLoger"),
        ("predict", "--data.batch_size=most", "most is none of int, Literal['auto']"),
        ("predict", "--config=gone.yaml", "gone.yaml"),
        # of our own
        ("predict", "--trainer.precision=bf16-true", PRECISIONS),
        ("predict", "--trainer.precision=64-true", PRECISIONS),
        ("predict", "--data.batch_size=0", "Expected `batch_size` to be at least 1, but got 0"),
        ("predict", "--data.workers=-1", "Expected `workers` to be at least 0, but got -1"),
        ("validate", "--model.preset=papr", "papr"),
        ("validate", "--data.degrade.share=2", "Expected `share` to be in 0..1, but got 2.0"),
        ("validate", "--data.degrade.kinds=[blurr]", "unknown degradation 'blurr'; nearest: blur"),
        ("validate", "--model.labeller.alpha=0", "Expected `alpha` to be in 0..1, but got 0.0"),
        ("test", "--data.scores={random: scores.csv}", "Expected scores from elsewhere to go by other names than me"),
        ("test", "--data.source={source: pairs.csv, seed: x}", "`seed` of a data set to be of type int, but got 'x'"),
        ("test", "--data.source={source: pairs.csv, seed: -1}", "Expected `seed` to be at least 0, but got -1"),
        ("test", "--model.methods=[rnadom]", "unknown quality method 'rnadom'; nearest: random"),
        ("test", "--model.metrics.conventions=[{preset: rce, limit: 0.2}]", "a knob that counts for measure rce"),
        ("test", "--model.metrics.conventions=[{preset: froq, limit: 0.28, step: 0.1}]", "`limit` to be whole steps"),
        # of the system and of others
        ("predict", "--trainer.callbacks=own_broken.Callback", "'own_broken.Callback': No module named 'not_inst"),
        ("predict", "--trainer.callbacks=bad_callbacks.Importing", "No module named 'not_installed'"),
        ("predict", "--trainer.callbacks=bad_callbacks.Raising", "'no such thing' (FROQ_DEBUG=1 shows the traceback)"),
        ("predict", "--trainer.callbacks=bad_callbacks.Late", "ZeroDivisionError: two lines (FROQ_DEBUG=1 shows the"),
        ("predict", "--trainer.callbacks=bad_callbacks.Last", "Permission denied: '/elsewhere'"),
        # mistyped
        ("predict", "--data.sourc=faces", "unknown option '--data.sourc'; nearest: --data.source"),
        ("predict", "--data.batch-size=2", "unknown option '--data.batch-size'; nearest: --data.batch_size"),
        ("test", "--model.metrics.fmrr=0.1", "unknown option '--model.metrics.fmrr'; nearest: --model.metrics.fmr"),
        ("predict", "--outptu=scores.csv", "unknown option '--outptu'; nearest: --output"),
        ("predict", "--restar=true", "unknown option '--restar'; nearest: --restart"),
        ("predict", "--trainer.acelerator=cpu", "unknown option '--trainer.acelerator'; nearest: --trainer.acceler"),
    ],
)
def test_an_option_that_cannot_be_used_is_refused(
    verb: str, option: str, message: str, commands: dict[str, tuple[str, ...]], refused: Refused
) -> None:
    assert message in refused(*commands[verb], option)
    assert not Path("results.csv").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("data: {sourc: faces}", "unknown option 'data.sourc'; nearest: data.source"),
        ("model: {metrics: {fmrr: 0.1}}", "unknown option 'model.metrics.fmrr'; nearest: model.metrics.fmr"),
        ("tranier: {devices: 1}", "unknown option 'tranier.devices'; nearest: trainer.devices"),
        ("outptu: scores.csv", "unknown option 'outptu'; nearest: output"),
        ("data:\n  batch_size: {a: 1}\n", "batch_size"),
        ("model: [1\n", "parsing"),
        ("- a list\n", ""),
    ],
)
def test_so_is_a_configuration(content: str, message: str, refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text(content)
    base = ("--model.backbone=timm", "--data.source=faces")
    assert message in refused("predict", *base, f"--config={tmp_path / 'run.yaml'}")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("predict --model.backbone=timm", "Expected --data.source, but nothing was given"),
        ("export --output=a.onnx", "Expected the name of a network as `backbone` (`froq backbones list`), or an"),
        ("predct", "unknown command 'predct'; nearest: predict"),
        ("backbones lst", "unknown action 'lst'; nearest: list"),
        ("data inspct faces", "unknown action 'inspct'; nearest: inspect"),
        ("data inspect faces --roo=.", "unknown option '--roo'; nearest: --root"),
        ("backbones show", "the following arguments are required: name"),
        ("fit --model.backbone=timm", "there is nothing to fit: FROQ reads quality out of a frozen network without"),
        ("train", "`froq validate` calibrates which layers are read, `froq predict` scores images"),
    ],
)
def test_so_is_a_command(command: str, message: str, refused: Refused) -> None:
    assert message in refused(*command.split())


def test_the_traceback_is_shown_where_it_is_wanted(
    commands: dict[str, tuple[str, ...]], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FROQ_DEBUG", "1")
    assert main([*commands["predict"], "--trainer.callbacks=bad_callbacks.Late"]) == 2
    error = capsys.readouterr().err
    assert "bad_callbacks.py" in error
    assert error.splitlines()[-1].startswith("froq: error: ZeroDivisionError: ")


@pytest.mark.parametrize(
    "variables",
    [
        {"SLURM_NTASKS": "1", "SLURM_JOB_NAME": "zsh"},
        {"SLURM_NTASKS": "4", "SLURM_JOB_NAME": "faces", "SLURM_NTASKS_PER_NODE": "4"},
        {"SLURM_NTASKS": "2", "SLURM_JOB_NAME": "bash", "SLURM_PROCID": "0", "SLURM_STEP_NUM_TASKS": "1"},
        {"SLURM_NTASKS": "2", "SLURM_STEP_ID": "4294967290", "SLURM_PROCID": "0", "SLURM_LOCALID": "0"},
        {"SLURM_NTASKS": "2", "SLURM_TASK_PID": "4711", "SLURM_PROCID": "0", "SLURM_LOCALID": "0"},
    ],
)
def test_a_shell_in_a_slurm_job_is_like_any_other(
    variables: dict[str, str], commands: dict[str, tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_JOB_NAME", "")
    for name, value in {"SLURM_JOB_ID": "4711", **variables}.items():
        monkeypatch.setenv(name, value)
    assert main(commands["predict"]) == 0
