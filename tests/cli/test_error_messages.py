"""Whatever is raised ends in one line and exit code 2; a mistyped name is told with the nearest ones."""

import re
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


@pytest.fixture
def scoring(network: tuple[str, ...], observer: Path, faces: Path, tmp_path: Path) -> tuple[str, ...]:
    """A command that works."""
    output = tmp_path / "out" / "scores.csv"
    return ("predict", *network, f"--model.observer={observer}", f"--data.source={faces}", f"--output={output}")


@pytest.fixture
def refused(
    scoring: tuple[str, ...], capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Refused:
    """Adds options to the command, which must then end with code 2 and one line, and returns the line."""
    (tmp_path / "own_callbacks.py").write_text(CALLBACKS)
    (tmp_path / "own_broken.py").write_text("import not_installed\n")
    monkeypatch.syspath_prepend(tmp_path)

    def run(*options: str) -> str:
        capsys.readouterr()
        assert main([*scoring, *options]) == 2
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 1
        assert lines[0].startswith("froq: error: ")
        return lines[0].removeprefix("froq: error: ")

    return run


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("--trainer.devices=two", "should be an int > 0.; trainer.devices is 'two'"),
        ("--trainer.devices=-1", "should be an int > 0.; trainer.devices is '-1'"),
        ("--trainer.devices=0", "`Trainer(devices='0')` value is not a valid input"),
        ("--trainer.strategy=dpp", "Example choices: auto, ddp, "),
        ("--trainer.accelerator=cpuu", "Available names are: auto, "),
        ("--trainer.profiler=simpl", "['simple', 'advanced', "),
        ("--trainer.precision=8-bit", "trainer.precision: 8-bit is none of "),
        ("--trainer.logger=WandbLoger", "WandbLoger"),
        ("--trainer.callbacks=own_broken.Callback", "'own_broken.Callback': No module named 'not_installed'"),
        ("--trainer.callbacks=own_callbacks.Importing", "No module named 'not_installed'"),
        ("--trainer.callbacks=own_callbacks.Raising", "'no such thing' (FROQ_DEBUG=1 shows the traceback)"),
        ("--trainer.callbacks=own_callbacks.Late", "ZeroDivisionError: two lines (FROQ_DEBUG=1 shows the traceback)"),
        ("--trainer.callbacks=own_callbacks.Last", "Permission denied: '/elsewhere'"),
    ],
)
def test_what_lightning_the_system_or_own_code_raises_is_one_line(option: str, told: str, refused: Refused) -> None:
    assert told in refused(option)


@pytest.mark.parametrize(
    ("option", "nearest"),
    [
        ("--data.sourc=faces", "--data.source"),
        ("--data.batch-size=2", "--data.batch_size"),
        ("--model.bakbone=timm", "--model.backbone"),
        ("--model.metrics.fmrr=0.1", "--model.metrics.fmr"),
        ("--outptu=scores.csv", "--output"),
        ("--restar=true", "--restart"),
        ("--trainer.acelerator=cpu", "--trainer.accelerator"),
    ],
)
def test_a_mistyped_option_is_told_with_the_nearest(option: str, nearest: str, refused: Refused) -> None:
    assert refused(option).startswith(f"unknown option {option.partition('=')[0]!r}; nearest: {nearest}")


@pytest.mark.parametrize(
    ("content", "wrong", "nearest"),
    [
        ("data: {sourc: faces}", "data.sourc", "data.source"),
        ("model: {metrics: {fmrr: 0.1}}", "model.metrics.fmrr", "model.metrics.fmr"),
        ("tranier: {devices: 1}", "tranier.devices", "trainer.devices"),
        ("outptu: scores.csv", "outptu", "output"),
    ],
)
def test_so_is_a_mistyped_key_of_a_configuration(
    content: str, wrong: str, nearest: str, refused: Refused, tmp_path: Path
) -> None:
    (tmp_path / "run.yaml").write_text(content)
    assert refused(f"--config={tmp_path / 'run.yaml'}").startswith(f"unknown option {wrong!r}; nearest: {nearest}")


def test_a_source_that_was_not_given_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "--model.backbone=timm"]) == 2
    assert capsys.readouterr().err == "froq: error: Expected --data.source, but nothing was given\n"


def test_the_traceback_is_shown_where_it_is_wanted(
    scoring: tuple[str, ...], refused: Refused, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    late = "--trainer.callbacks=own_callbacks.Late"
    refused(late)
    monkeypatch.setenv("FROQ_DEBUG", "1")
    assert main([*scoring, late]) == 2
    told = capsys.readouterr().err
    assert "own_callbacks.py" in told
    assert told.splitlines()[-1].startswith("froq: error: ZeroDivisionError: ")


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
    variables: dict[str, str], scoring: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_JOB_NAME", "")
    for name, value in {"SLURM_JOB_ID": "4711", **variables}.items():
        monkeypatch.setenv(name, value)
    assert main(scoring) == 0


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("predct", "unknown command 'predct'; nearest: predict"),
        ("tset", "unknown command 'tset'; nearest: test"),
        ("backbones lst", "unknown action 'lst'; nearest: list"),
        ("data inspct faces", "unknown action 'inspct'; nearest: inspect"),
        ("data inspect faces --rot=.", "unknown option '--rot'; nearest: --root"),
        ("data inspect faces --roo=.", "unknown option '--roo'; nearest: --root"),
        ("backbones show", "the following arguments are required: name"),
    ],
)
def test_a_mistyped_command_is_told_with_the_nearest(
    command: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command.split()) == 2
    assert re.match(rf"froq: error: {re.escape(told)}[^\n]*\n\Z", capsys.readouterr().err)
