"""A run that is killed goes on with the same command, and ends as if nothing had happened."""

import os
import re
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from froq_lightning.cli import main
from froq_lightning.errors import JournalError
from froq_lightning.journal.shard import Shard

Rows = list[dict[str, str]]
Scoring = Callable[..., list[str]]
Kill = Callable[..., tuple[int, str]]
BATCH = "--data.batch_size=2"
pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")]


def test_a_killed_prediction_goes_on_to_the_same_bytes(
    scoring: Scoring, kill_when: Kill, many: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain, killed = tmp_path / "plain" / "scores.csv", tmp_path / "killed" / "scores.csv"
    assert main(scoring(plain)) == 0
    table = capsys.readouterr().out.split("quality 0..100")[1].replace(str(plain), "OUTPUT")
    command = scoring(killed)
    kill_when(killed.parent / "scores.csv.partial", command)
    assert not killed.exists()
    capsys.readouterr()
    assert main(command) == 0
    out = capsys.readouterr().out
    done = re.search(rf"going on: (\d+) of {len(list(many.iterdir()))} done", out)
    assert done is not None
    assert 0 < int(done[1]) < len(list(many.iterdir()))
    assert out.split("quality 0..100")[1].replace(str(killed), "OUTPUT") == table
    for suffix in (".csv", ".npy"):
        assert killed.with_suffix(suffix).read_bytes() == plain.with_suffix(suffix).read_bytes()
    assert {path.name for path in killed.parent.iterdir()} == {"scores.csv", "scores.npy", "scores.config.yaml"}


def test_a_killed_prediction_over_tar_files_goes_on_to_the_scores_of_the_folder(
    scoring: Scoring, kill_when: Kill, many: Path, tmp_path: Path, rows: Callable[[Path], Rows]
) -> None:
    shards = tmp_path / "shards"
    shards.mkdir()
    for name in ("0", "1", "2"):
        with tarfile.open(shards / f"{name}.tar", "w", dereference=True) as tar:
            for image in sorted(many.glob(f"*{name}.jpg")) + [many / "005b.jpg"] * (name == "1"):
                tar.add(image, image.name)
    plain, killed, folder = (tmp_path / name / "scores.csv" for name in ("plain", "killed", "folder"))
    source = f"--data.source={shards}"
    kill_when(killed.parent / "scores.csv.partial", scoring(killed, source))
    assert not killed.exists()
    for output, options in ((killed, [source]), (plain, [source]), (folder, [])):
        assert main(scoring(output, *options)) == 0
    assert killed.read_bytes() == plain.read_bytes()
    scores = {Path(row["image"]).name: row["quality_score"] for row in rows(killed)}
    expected = {row["image"]: row["quality_score"] for row in rows(folder) if row["image"] in scores}
    assert len(scores) > 25
    assert scores["005b.jpg"] == expected["005b.jpg"] == ""
    assert {name: float(score or 0) for name, score in scores.items()} == pytest.approx(
        {name: float(score or 0) for name, score in expected.items()}, abs=1e-5
    )


def test_what_changed_since_is_refused_and_told(
    scoring: Scoring,
    kill_when: Kill,
    observer: Path,
    many: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    rows: Callable[[Path], Rows],
) -> None:
    output = tmp_path / "out" / "scores.csv"
    kill_when(output.parent / "scores.csv.partial", scoring(output))
    other = tmp_path / "observer.json"
    other.write_text(observer.read_text(encoding="utf-8").replace('"licence": "unknown"', '"licence": "known"'))
    assert other.read_bytes() != observer.read_bytes()
    changes = {
        "data.resize was False, now is True": scoring(output, "--data.resize=true"),
        "data.batch_size was 2, now is 3": scoring(output, "--data.batch_size=3"),
        "model.observer was": scoring(output, f"--model.observer={other}"),
        "model.embeddings was True, now is False": scoring(output, "--embeddings=null"),
    }
    for told, command in changes.items():
        assert main(command) == 2
        assert told in capsys.readouterr().err
    (many / "000.jpg").rename(many / "new.jpg")
    command = scoring(output)
    assert main(command) == 2
    assert "images: 1 gone (000.jpg), 1 new (new.jpg)" in capsys.readouterr().err
    assert main([*command, "--restart=true"]) == 0
    assert len(rows(output)) == len(list(many.iterdir()))


def test_what_does_not_change_the_scores_may_change(scoring: Scoring, kill_when: Kill, tmp_path: Path) -> None:
    plain, killed = tmp_path / "plain.csv", tmp_path / "killed.csv"
    assert main(scoring(plain)) == 0
    command = scoring(killed)
    kill_when(tmp_path / "killed.csv.partial", command)
    assert main([*command, "--data.workers=1", "--trainer.enable_progress_bar=true"]) == 0
    assert killed.read_bytes() == plain.read_bytes()


@pytest.fixture
def people(shared: Path, tmp_path: Path) -> Path:
    """Faces in folders of their subjects."""
    folder = tmp_path / "people"
    folder.mkdir()
    for subject in sorted((shared / "data" / "faces").iterdir())[:8]:
        (folder / subject.name).symlink_to(subject)
    return folder


LABELLED = {
    "image by image": ("many", "--model.labeller={noise: 0, occlusion: 2}"),
    "as a set": ("people", "--model.labeller=mated", "--data.degrade.copies=2"),
    "as suits images without subjects": ("many", "--model.labeller=auto"),
    "as suits few subjects": ("people", "--model.labeller=auto", "--data.degrade.share=0.5"),
}


@pytest.mark.parametrize("how", LABELLED)
def test_a_killed_labelling_goes_on_to_the_same_observer(
    how: str, network: tuple[str, ...], kill_when: Kill, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    name, *labeller = LABELLED[how]
    source: Path = request.getfixturevalue(name)
    for image in sorted(source.iterdir())[40:]:  # each takes several passes
        image.unlink()
    asked = [*labeller, f"--data.source={source}", "--report=false", BATCH]
    commands = {
        name: ["validate", *network, *asked, f"--output={tmp_path / name / 'observer.json'}"]
        for name in ("plain", "killed")
    }
    assert main([*commands["plain"], "--model.preset=paper"]) == 0
    kill_when(tmp_path / "killed" / "observer.json.partial", commands["killed"])
    assert main([*commands["killed"], "--model.preset=paper"]) == 0
    for file in ("observer.json", "observer.images.csv"):
        assert (tmp_path / "killed" / file).read_bytes() == (tmp_path / "plain" / file).read_bytes()
    assert not (tmp_path / "killed" / "observer.json.partial").exists()


def evaluating(network: tuple[str, ...], observer: Path, sources: list[Path], output: Path, *options: str) -> list[str]:
    """Return the command that evaluates two methods, of which one is slow, on comparison trials between subjects."""
    methods = "[froq, {method: perturbation, noise: 0, occlusion: 3}, random]"
    paths = [f"--data.source=[{', '.join(map(str, sources))}]", f"--output={output}", f"--model.observer={observer}"]
    trials = f"--trials={output.with_name('trials.csv')}"
    return ["test", *network, *paths, trials, f"--model.methods={methods}", "--report=false", BATCH, *options]


def outputs_of_evaluation(folder: Path) -> dict[str, bytes]:
    """Return what is the same in every run: all but measured times and the options."""
    files = [path for path in folder.iterdir() if path.is_file() and ".times." not in path.name]
    return {path.name: path.read_bytes() for path in files if path.suffix != ".yaml"}


def test_an_evaluation_that_is_killed_ten_times_ends_with_the_same_bytes(
    network: tuple[str, ...], observer: Path, kill_when: Kill, people: Path, tmp_path: Path
) -> None:
    others = tmp_path / "others"
    others.mkdir()
    for subject in sorted(people.iterdir())[:3]:
        (others / subject.name).symlink_to(subject)
    sources = [others, people]
    plain, killed = (
        evaluating(network, observer, sources, tmp_path / name / "results.csv") for name in ("plain", "killed")
    )
    assert main(plain) == 0
    for _ in range(10):
        kill_when(tmp_path / "killed" / "results.csv.partial", killed, steps=1)
    assert main(killed) == 0
    assert not (tmp_path / "killed" / "results.csv.partial").exists()
    assert outputs_of_evaluation(tmp_path / "killed") == outputs_of_evaluation(tmp_path / "plain")


def test_an_evaluation_by_two_processes_goes_on(
    network: tuple[str, ...], observer: Path, kill_when: Kill, people: Path, tmp_path: Path
) -> None:
    two = ("--trainer.devices=2", "--trainer.strategy=ddp")
    plain, killed = (
        evaluating(network, observer, [people], tmp_path / name / "results.csv", *two) for name in ("plain", "killed")
    )
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    start = [sys.executable, "-m", "froq_lightning"]
    subprocess.run([*start, *plain], check=True, env=environment, timeout=300)
    kill_when(tmp_path / "killed" / "results.csv.partial", killed, shards=2, steps=1)
    wait_until_free(tmp_path / "killed" / "results.csv.partial" / "1.shard")
    ran = subprocess.run([*start, *killed], capture_output=True, text=True, check=False, env=environment, timeout=300)
    assert ran.returncode == 0, ran.stderr
    assert "going on: " in ran.stdout
    assert outputs_of_evaluation(tmp_path / "killed") == outputs_of_evaluation(tmp_path / "plain")


def test_other_methods_are_other_steps_but_other_metrics_are_not(
    network: tuple[str, ...],
    observer: Path,
    kill_when: Kill,
    people: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    command = evaluating(network, observer, [people], tmp_path / "results.csv")
    kill_when(tmp_path / "results.csv.partial", command, steps=1)
    assert main([*command, "--model.methods=[froq, {method: perturbation, noise: 0, occlusion: 2}, random]"]) == 2
    assert "model.methods..perturbation (noise=0, occlusion=3) was {" in capsys.readouterr().err
    assert main([*command, "--model.metrics.conventions=[iso]", "--model.metrics.bootstrap=3"]) == 0
    assert "going on: " in capsys.readouterr().out


def wait_until_free(path: Path) -> None:
    """Wait until the process that writes to a shard notices that it is alone, and lets it go."""
    until = time.monotonic() + 60
    while True:
        try:
            Shard(path).close()
        except JournalError:
            assert time.monotonic() < until
            time.sleep(0.05)
        else:
            return


def test_a_killed_first_process_ends_the_second_and_both_go_on(
    scoring: Scoring, kill_when: Kill, tmp_path: Path
) -> None:
    plain, killed = tmp_path / "plain" / "scores.csv", tmp_path / "killed" / "scores.csv"
    two = ("--trainer.devices=2", "--trainer.strategy=ddp")
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    start = [sys.executable, "-m", "froq_lightning"]
    subprocess.run([*start, *scoring(plain, *two)], check=True, env=environment, timeout=300)
    command = scoring(killed, *two)
    kill_when(killed.parent / "scores.csv.partial", command, shards=2)
    wait_until_free(killed.parent / "scores.csv.partial" / "1.shard")
    ran = subprocess.run([*start, *command], capture_output=True, text=True, check=False, env=environment, timeout=300)
    assert ran.returncode == 0, ran.stderr
    for suffix in (".csv", ".npy"):
        assert killed.with_suffix(suffix).read_bytes() == plain.with_suffix(suffix).read_bytes()
