import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from froq_lightning.cli import main
from froq_lightning.cli.error_messages import option_names
from froq_lightning.cli.parser import VERBS, create_parser
from froq_lightning.cli.shipped_configs import FOLDER, config_names
from froq_lightning.cli.short_options import options_of, write_out

Rows = Callable[[Path], list[dict[str, str]]]
# Written by hand, as users do, beside what LightningCLI is given.
WRITTEN_OUT = {
    "photos/": ["--data.source=photos/"],
    "--source photos/ --backbone timm": ["--data.source=photos/", "--model.backbone=timm"],
    "--weights=a=b.pt photos/": ["--model.backbone_options.weights=a=b.pt", "--data.source=photos/"],
    "--report photos/": ["--report", "--data.source=photos/"],
    "--report false photos/": ["--report=false", "--data.source=photos/"],
    "--worst 3 photos/ --restart": ["--worst=3", "--data.source=photos/", "--restart"],
    "--data.resize true photos/": ["--data.resize=true", "--data.source=photos/"],
    "--trainer.limit_predict_batches -1 photos/": ["--trainer.limit_predict_batches=-1", "--data.source=photos/"],
    "--print_config photos/": ["--print_config", "--data.source=photos/"],
    "photos/ --backbone timm --config a.yaml -c b.yaml": [
        "--config=a.yaml",
        "-c=b.yaml",
        "--data.source=photos/",
        "--model.backbone=timm",
    ],
    "--worst 3 -- -dash": ["--worst=3", "--data.source=-dash"],
    "--source photos/ --source more/": ["--data.source=photos/", "--data.source=more/"],
    "--batch-size auto --output": ["--data.batch_size=auto", "--output"],
}


@pytest.mark.parametrize("line", WRITTEN_OUT)
def test_short_options_are_written_out(line: str) -> None:
    assert write_out("predict", line.split()) == WRITTEN_OUT[line]


DOTTED = st.from_regex(r"--(data|model|trainer)\.[a-z_]{1,9}=[ -~]{0,9}", fullmatch=True)


@given(arguments=st.lists(DOTTED | st.sampled_from(["--restart", "--report=false"])))
def test_options_as_lightning_knows_them_are_left_alone(arguments: list[str]) -> None:
    assert write_out("predict", arguments) == arguments


@pytest.mark.parametrize("line", ["a/ --worst 3 b/", "a/ --source b/", "--data.source=a/ b/", "a/ -- b/"])
def test_two_sources_are_refused(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", *line.split()]) == 2
    assert "Expected one source, but got 'a/' and 'b/'" in capsys.readouterr().err


def whole_help(capsys: pytest.CaptureFixture[str], verb: str) -> str:
    with pytest.raises(SystemExit):
        main([verb, "--help", "all"])
    return capsys.readouterr().out


@pytest.mark.parametrize("verb", VERBS)
def test_every_short_option_stands_for_one_that_there_is(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    told = whole_help(capsys, verb)
    for option in options_of(verb).values():
        name = option.written_out.removesuffix(".weights")
        found = re.search(rf"^  (-c )?.*{name}\+?(  .*| \S+.*)?$", told, flags=re.MULTILINE)
        assert found, name
        takes_value = bool(found[2]) and not found[2].startswith((" [", "  "))
        assert bool(option.metavar) == takes_value, found[0]


@pytest.mark.parametrize("verb", VERBS)
def test_help_is_one_screen(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([verb, "--help"])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 34
    assert max(map(len, lines[:-1])) <= 80
    assert all(option.flag in "\n".join(lines) for option in options_of(verb).values())


@pytest.mark.parametrize(
    ("option", "nearest"),
    [
        ("--sorce", "--source"),
        ("--backbon", "--backbone"),
        ("--weigths", "--weights"),
        ("--batchsize", "--batch-size"),
        ("--batch_size", "--batch-size"),
    ],
)
def test_a_typo_is_told_with_the_nearest_short_option(
    option: str, nearest: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", "faces/", "--backbone", "timm", option, "x"]) == 2
    assert f"unknown option '{option}'; nearest: {nearest}" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--sour", "--back", "--data.sour"])
def test_options_are_not_abbreviated(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "--backbone", "timm", option, "x"]) == 2
    assert "unknown option" in capsys.readouterr().err


def printed_config(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, dict[str, object]]:
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--print_config"])
    assert ended.value.code == 0
    return dict(yaml.safe_load(capsys.readouterr().out))


@pytest.mark.parametrize("place", ["first", "last"])
def test_an_option_wins_over_a_configuration_wherever_it_stands(
    place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "mine.yaml"
    config.write_text("model:\n  backbone: timm\ndata:\n  source: theirs/\n")
    arguments = ["--config", str(config), "mine/"] if place == "first" else ["mine/", "--config", str(config)]
    assert printed_config(capsys, "predict", *arguments)["data"]["source"] == "mine/"


@pytest.mark.parametrize(("verb", "name"), [("predict", "predict"), ("validate", "calibrate"), ("test", "evaluate")])
def test_without_a_network_the_usual_configuration_is_taken(
    verb: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("froq_dlib", reason="needs the plugin froq-dlib")
    assert printed_config(capsys, verb, "photos/") == printed_config(capsys, verb, "photos/", "--config", name)
    found = printed_config(capsys, verb, "photos/")
    assert (found["model"]["backbone"], found["data"]["aligner"]) == ("dlib_resnet29", "dlib")
    assert printed_config(capsys, verb, "photos/", "--backbone", "timm")["data"]["aligner"] is None


@pytest.mark.parametrize("line", ["predict photos/", "quickstart", "test pairs.csv --config evaluate"])
def test_where_the_usual_network_is_not_installed_it_is_told_how(
    line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("froq_lightning.cli.shipped_configs.USUAL_BACKBONE", "not_installed")
    assert main(line.split()) == 2
    assert "pip install 'froq-lightning[dlib]'" in capsys.readouterr().err


def test_configurations_are_listed_printed_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config"]) == 0
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]]
    assert listed == config_names() == sorted(path.stem for path in FOLDER.iterdir())
    assert main(["config", "paper"]) == 0
    assert capsys.readouterr().out == (FOLDER / "paper.yaml").read_text()
    file = tmp_path / "mine.yaml"
    assert main(["config", "paper", "--output", str(file)]) == 0
    assert file.read_text() == (FOLDER / "paper.yaml").read_text()
    file.write_text("mine")
    assert main(["config", "paper", "--output", str(file)]) == 2
    assert file.read_text() == "mine"
    assert main(["config", "papr"]) == 2
    assert "nearest: paper" in capsys.readouterr().err


def test_a_file_is_taken_before_a_configuration_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("predict").write_text("model:\n  backbone: timm\n")
    assert printed_config(capsys, "predict", "photos/", "--config", "predict")["model"]["backbone"] == "timm"


def test_an_observer_names_its_network(
    network: tuple[str, ...],
    manifest: Path,
    calibrate: Callable[..., Path],
    shared: Path,
    tmp_path: Path,
    quiet: tuple[str, ...],
) -> None:
    observer = calibrate(network, manifest)
    weights = shared / "data" / "weights" / "mobilefacenet_casia.ckpt"
    outputs = [tmp_path / name for name in ("named.csv", "found.csv")]
    named = [*network, f"--model.observer={observer}"]
    found = ["--observer", str(observer), "--weights", str(weights), *quiet]
    for options, output in zip((named, found), outputs, strict=True):
        assert main(["predict", str(manifest), *options, "--output", str(output)]) == 0
    assert outputs[0].read_bytes() == outputs[1].read_bytes()


def test_without_its_weights_an_observer_says_what_is_missing(
    network: tuple[str, ...], manifest: Path, calibrate: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    observer = calibrate(network, manifest)
    assert main(["predict", str(manifest), "--observer", str(observer)]) == 2
    assert "no weights were given here" in capsys.readouterr().err


def test_quickstart_runs_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quiet: tuple[str, ...], rows: Rows, shared: Path
) -> None:
    pytest.importorskip("froq_dlib", reason="needs the plugin froq-dlib")
    pytest.importorskip("skimage", reason="needs the extra `samples`")
    monkeypatch.chdir(tmp_path)
    assert main(["quickstart", *quiet]) == 0
    scores = Path("froq_runs/quickstart/scores.csv")
    assert len(rows(scores)) == 12
    assert main(["quickstart", str(next((shared / "data" / "photos").glob("*/*.jpg"))), *quiet]) == 0
    assert [row["status"] for row in rows(scores)] == ["ok"]


def completed(script: Path, words: Sequence[str]) -> set[str]:
    """What bash offers for the last word."""
    line = " ".join(map(repr, words))
    program = f"source {script}; COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _shtab_froq; echo ${{COMPREPLY[@]}}"
    return set(subprocess.run(["bash", "-c", program], check=True, capture_output=True, text=True).stdout.split())


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_completes_commands_options_and_networks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("shtab", reason="needs the extra `completion`")
    assert main(["completion", "bash"]) == 0
    script = tmp_path / "froq.bash"
    script.write_text(capsys.readouterr().out)
    assert completed(script, ["froq", "pre"]) == {"predict"}
    assert completed(script, ["froq", "predict", "--em"]) == {"--embeddings"}
    assert "timm" in completed(script, ["froq", "predict", "--backbone", "ti"])


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_can_be_completed(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("shtab", reason="needs the extra `completion`")
    assert main(["completion", shell]) == 0
    told = capsys.readouterr().out
    assert all(option.lstrip("-") in told for option in option_names(create_parser()))


@pytest.mark.slow
def test_help_is_there_at_once_in_a_process_of_its_own() -> None:
    for command in ("--help", "predict --help"):
        run = [sys.executable, "-X", "importtime", "-m", "froq_lightning", *command.split()]
        ran = subprocess.run(run, check=True, capture_output=True, text=True, env=dict(os.environ))
        assert " torch" not in ran.stderr
