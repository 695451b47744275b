import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
import yaml

from froq_lightning.cli import main


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What a command that ends at once prints."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def test_the_module_is_the_command_and_tells_its_version() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "froq_lightning", "--version"], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout == f"froq {metadata.version('froq-lightning')}\n"


@pytest.mark.parametrize("arguments", [(), ("--help",)])
def test_help_names_the_commands_and_examples(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    told = printed(capsys, *arguments)
    for word in ("validate", "predict", "test", "data", "backbones", "froq quickstart", "froq predict photos/"):
        assert word in told


@pytest.mark.parametrize("command", ["validate", "predict", "test"])
def test_the_whole_help_of_a_command_explains_its_options(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    told = " ".join(printed(capsys, command, "--help", "all").split())
    for option in ("--model.backbone", "--model.observer", "--data.source", "--data.aligner", "--output", "--trainer"):
        assert option in told
    assert "registered name of the network, which `froq backbones list` shows" in told
    assert "Traceback" not in told
    assert "--ckpt_path" not in told


@pytest.mark.parametrize("command", ["validate", "predict", "test"])
def test_the_configuration_can_be_printed_as_yaml(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    told = yaml.safe_load(printed(capsys, command, "--model.backbone=timm", "--data.source=faces", "--print_config"))
    assert told["model"]["backbone"] == "timm"
    assert told["data"]["source"] == "faces"
    assert told["data"]["batch_size"] == 32
    assert (told["model"]["labeller"], told["model"]["preset"]) == ("auto", "auto")
    assert told["trainer"]["logger"] is False


@pytest.mark.slow
def test_a_reader_that_has_enough_gets_no_traceback() -> None:
    command = f"{sys.executable} -m froq_lightning backbones list | sleep 0; echo ${{PIPESTATUS[0]}}"
    ended = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert ended.stderr == ""
    assert ended.stdout.strip() == "1"


@pytest.mark.slow
@pytest.mark.parametrize("output", ["/dev/stdout", "log.txt"])
def test_a_result_is_not_written_to_where_tables_are_printed(
    output: str, network: tuple[str, ...], faces: Path, tmp_path: Path
) -> None:
    options = [*network, f"--data.source={faces}", f"--output={output}"]
    command = [sys.executable, "-m", "froq_lightning", "predict", *options]
    with (tmp_path / "log.txt").open("wb") as log:
        done = subprocess.run(command, check=False, stdout=log, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    assert done.returncode == 2
    assert "is where this command prints its tables; write to a file" in done.stderr
