"""`froq test` on real comparison trials with real weights."""

import csv
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from froq_lightning.backbones.spec import Backbone
from froq_lightning.cli import main
from froq_lightning.metrics import ErrorVersusDiscard, FalseNonMatchRate

Rows = Callable[[Path], list[dict[str, str]]]
Evaluate = Callable[..., dict[str, Any]]
FMR = 0.1
METHODS = ("--model.methods=[froq, embedding_norm, random]", f"--model.metrics.fmr=[{FMR}]")


@pytest.fixture(scope="module")
def trials(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """200 comparison trials between good and degraded faces, every fifth mated."""
    with (shared / "data" / "pairs_cross_quality.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    mated = [row for row in rows if row[2] == "1"][:40]
    firsts, seconds = ([row[side] for row in mated] for side in (0, 1))
    non_mated = [[firsts[at], seconds[(at + step) % 40], "0"] for step in (7, 13, 19, 29) for at in range(40)]
    names = [{Path(side).parent.name for side in row[:2]} for row in non_mated]
    path = tmp_path_factory.mktemp("trials") / "pairs.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        kept = [row for row, two in zip(non_mated, names, strict=True) if len(two) == 2]
        csv.writer(file).writerows([header, *mated, *kept])
    return path


@pytest.fixture(scope="module")
def observer(calibrate: Callable[..., Path], network: tuple[str, ...], manifest: Path) -> Path:
    """An Observer of MobileFaceNet with the layers that the paper would choose."""
    return calibrate(network, manifest, "--model.preset=paper")


@pytest.fixture(scope="module")
def evaluate(network: tuple[str, ...], observer: Path, shared: Path) -> Evaluate:
    """Runs `froq test` into a CSV file and returns the JSON beside it."""

    def run(source: object, output: Path, *options: str) -> dict[str, Any]:
        arguments = ["test", *network, f"--model.observer={observer}", f"--data.source={source}", *METHODS]
        root = f"--data.root={shared / 'data'}"
        assert main([*arguments, root, f"--output={output}", "--report=false", *options]) == 0
        return json.loads(output.with_suffix(".json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]

    return run


@pytest.fixture(scope="module")
def content(evaluate: Evaluate, trials: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What an evaluation of three methods in all conventions wrote."""
    return evaluate(trials, tmp_path_factory.mktemp("evaluated") / "results.csv")


@pytest.fixture(scope="module")
def scores(
    predict: Callable[..., list[dict[str, str]]],
    rows: Rows,
    trials: Path,
    shared: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A file with the scores that `froq predict` gives the images of the trials."""
    folder = tmp_path_factory.mktemp("scored")
    names = sorted({row[side] for row in rows(trials) for side in ("image_a", "image_b")})
    (folder / "images.csv").write_text("path\n" + "\n".join(names))
    predict(folder / "images.csv", folder / "scores.csv", f"--data.root={shared / 'data'}")
    return folder / "scores.csv"


def value(content: dict[str, Any], method: str, convention: str) -> float:
    """A result; NaN where there is none."""
    (row,) = (row for row in content["results"] if (row["method"], row["convention"]) == (method, convention))
    return math.nan if row["value"] is None else float(row["value"])


def test_every_method_has_a_result_in_every_convention(content: dict[str, Any]) -> None:
    found = [(row["method"], row["convention"]) for row in content["results"]]
    methods, conventions = ("froq", "embedding_norm", "random"), ("froq", "cr-fiqa", "iso", "rce")
    assert found == [(method, convention) for method in methods for convention in conventions]
    for row in content["results"]:
        # Of 200 trials, the last steps of cr-fiqa may hold no mated one.
        assert row["value"] is not None or "trials have run out" in row["remark"]
        assert row["convention"] == "cr-fiqa" or math.isfinite(row["value"])


def test_the_result_is_that_of_the_scores_of_predict_and_of_the_embeddings(
    content: dict[str, Any],
    trials: Path,
    shared: Path,
    mobilefacenet: Backbone,
    scores: Path,
    rows: Rows,
) -> None:
    compared = rows(trials)
    quality = {row["image"]: float(row["quality_score"]) for row in rows(scores)}
    pixels = np.stack([np.array(Image.open(shared / "data" / name)) for name in quality])
    inputs = mobilefacenet.preprocessing(torch.from_numpy(pixels).permute(0, 3, 1, 2))
    with torch.no_grad():
        unit = torch.nn.functional.normalize(mobilefacenet.embed(mobilefacenet.network(inputs)).double())
    embedding = dict(zip(quality, unit, strict=True))
    pairs = [(row["image_a"], row["image_b"]) for row in compared]
    similarities = torch.stack([embedding[one] @ embedding[other] for one, other in pairs])
    mated = torch.tensor([row["mated"] == "1" for row in compared])
    of_pairs = torch.tensor([min(quality[one], quality[other]) for one, other in pairs], dtype=torch.float64)
    for convention in ("froq", "cr-fiqa", "iso"):
        metric = ErrorVersusDiscard(convention, fmr=FMR)
        metric.update(similarities, mated, of_pairs)
        assert value(content, "froq", convention) == pytest.approx(float(metric.compute()), abs=1e-9, nan_ok=True)
    rate = FalseNonMatchRate(FMR)
    rate.update(similarities, mated)
    assert content["results"][0]["fnmr"] == pytest.approx(float(rate.compute()))
    assert content["results"][0]["fnmr"] > 0


def test_froq_foretells_errors_better_than_chance(content: dict[str, Any]) -> None:
    assert value(content, "froq", "froq") < 0.9 * value(content, "random", "froq")
    assert value(content, "froq", "rce") > value(content, "random", "rce")


def test_scores_from_elsewhere_are_a_method_like_others(
    content: dict[str, Any], evaluate: Evaluate, trials: Path, scores: Path, tmp_path: Path
) -> None:
    option = f"--data.scores={{elsewhere: {scores}}}"
    evaluated = evaluate(trials, tmp_path / "given.csv", "--model.methods=random", option)
    assert value(evaluated, "elsewhere", "froq") == pytest.approx(value(content, "froq", "froq"), abs=1e-9)


def test_an_image_that_fails_takes_its_trials_with_it_and_is_named(
    evaluate: Evaluate, trials: Path, shared: Path, tmp_path: Path, rows: Rows
) -> None:
    compared = rows(trials)
    broken = compared[0]["image_a"]
    (tmp_path / "empty.jpg").touch()
    for folder in ("faces", "faces_degraded"):
        (tmp_path / folder).symlink_to(shared / "data" / folder)
    (tmp_path / "pairs.csv").write_text(trials.read_text(encoding="utf-8").replace(broken, "empty.jpg"))
    evaluated = evaluate(tmp_path / "pairs.csv", tmp_path / "results.csv", f"--data.root={tmp_path}")
    lost = sum(broken in (row["image_a"], row["image_b"]) for row in compared)
    assert lost >= 1
    assert evaluated["results"][0]["without_score"] == lost
    assert evaluated["results"][0]["mated"] + evaluated["results"][0]["non_mated"] == len(compared) - lost
    assert evaluated["sets"][0]["left_out"] == {"empty.jpg": "file is empty"}


def test_several_data_sets_are_evaluated_in_one_run(
    content: dict[str, Any], evaluate: Evaluate, trials: Path, shared: Path, tmp_path: Path
) -> None:
    subjects = [folder for folder in sorted((shared / "data" / "faces").iterdir()) if len(list(folder.iterdir())) > 2]
    for folder in subjects[:6]:
        (tmp_path / "subjects" / folder.name).mkdir(parents=True)
        for image in folder.iterdir():
            (tmp_path / "subjects" / folder.name / image.name).symlink_to(image)
    source = f"[{trials}, {{source: {tmp_path / 'subjects'}, name: folder, non_mated: 50}}]"
    evaluated = evaluate(source, tmp_path / "results.csv")
    assert [data_set["name"] for data_set in evaluated["sets"]] == ["pairs", "folder"]
    first = [row for row in evaluated["results"] if row["data_set"] == "pairs"]
    assert first == content["results"]
    assert {row["non_mated"] for row in evaluated["results"] if row["data_set"] == "folder"} == {50}


def test_data_sets_may_have_score_files_of_their_own(
    evaluate: Evaluate, trials: Path, tmp_path: Path, rows: Rows
) -> None:
    for number, name in enumerate(("one", "two")):
        scores = {row[side]: len(row[side]) + number for row in rows(trials) for side in ("image_a", "image_b")}
        lines = [f"{image},{score}" for image, score in scores.items()]
        (tmp_path / f"{name}.csv").write_text("\n".join(["image,score", *lines]))
    mine = f"{{source: {trials}, name: one, scores: {{mine: {tmp_path / 'one.csv'}}}}}"
    other = f"{{source: {trials}, name: two, scores: {{other: {tmp_path / 'two.csv'}}}}}"
    told = evaluate(f"[{mine}, {other}]", tmp_path / "results.csv", "--model.methods=random")
    found = {(row["data_set"], row["method"]): row["value"] for row in told["results"] if row["convention"] == "froq"}
    assert found["one", "mine"] == found["two", "other"] is not None
    assert found["one", "other"] is found["two", "mine"] is None
