"""`froq test --trials`, groups, several recognisers, and `froq threshold`, on real comparison trials."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from froq_lightning.cli import main
from froq_lightning.sources.scored_trials import read_scored_trials

Rows = Callable[[Path], list[dict[str, str]]]


@pytest.fixture(scope="module")
def tested(
    network: tuple[str, ...], observer: Path, shared: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, Any]]:
    """A test of MobileFaceNet, and of itself under another name, on 300 trials by two groups."""
    folder = tmp_path_factory.mktemp("tested")
    with (shared / "data" / "pairs_cross_quality.csv").open(encoding="utf-8", newline="") as file:
        header, *trials = csv.reader(file)
    mated = [row for row in trials if row[2] == "1"][:100]
    images = sorted({row[0] for row in mated} | {row[1] for row in mated})
    people = {image: Path(image).parent.name for image in images}
    apart = [[one, other, "0"] for step in (7, 31) for one, other in zip(images, images[step:], strict=False)]
    non_mated = [row for row in apart if people[row[0]] != people[row[1]]][:200]
    with (folder / "pairs.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *mated, *non_mated])
    with (folder / "people.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["path", "half"], *([key, "am"[name < "M"]] for key, name in people.items())])
    weights = shared / "data" / "weights" / "mobilefacenet_casia.ckpt"
    twin = {"backbone": "mobilefacenet", "backbone_options": {"weights": str(weights)}, "observer": str(observer)}
    arguments = [
        *("test", *network, f"--model.observer={observer}", f"--data.source={folder / 'pairs.csv'}"),
        *(f"--data.root={shared / 'data'}", f"--data.groups={folder / 'people.csv'}", "--data.group_column=half"),
        *(
            "--model.metrics.fmr=[0.05]",
            "--model.metrics.conventions=[froq]",
            "--model.metrics.targets.max_discard=0.2",
        ),
        *(f"--model.backbones={json.dumps([{**twin, 'name': 'twin'}])}", f"--output={folder / 'results.csv'}"),
        *(f"--trials={folder / 'trials.csv'}", "--report=false"),
    ]
    assert main(arguments) == 0
    return folder, json.loads((folder / "results.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def trials(tested: tuple[Path, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trials with the errors of the first network alone."""
    header, *rows = (tested[0] / "trials.csv").read_text(encoding="utf-8").splitlines()
    path = tmp_path_factory.mktemp("trials") / "trials.csv"
    path.write_text("\n".join([header, *(row for row in rows if row.startswith("pairs,"))]) + "\n", encoding="utf-8")
    return path


def threshold(*arguments: object) -> int:
    return main(["threshold", *map(str, arguments)])


def test_a_network_has_its_own_errors_and_foretells_those_of_another(tested: tuple[Path, dict[str, Any]]) -> None:
    _, content = tested
    assert [each["name"] for each in content["sets"]] == ["pairs", "pairs, errors of twin"]
    results = {(each["data_set"], each["method"]): each for each in content["results"]}
    assert {method for _, method in results} == {"froq", "embedding_norm", "random", "froq of twin"}
    own, others = results["pairs", "froq"], results["pairs, errors of twin", "froq of twin"]
    for field in ("value", "fnmr", "threshold", "false_matches"):
        assert own[field] == others[field] == results["pairs", "froq of twin"][field]


def test_the_trials_hold_scores_subjects_and_qualities(tested: tuple[Path, dict[str, Any]], trials: Path) -> None:
    folder, content = tested
    scored = read_scored_trials(folder / "trials.csv", "pairs")
    assert (len(scored.trials.scores), int(scored.trials.mated.sum())) == (300, 100)
    assert {"froq", "froq_quality", "embedding_norm", "random", "froq of twin"} <= set(scored.qualities)
    assert len(set(scored.trials.subjects.tolist())) == content["sets"][0]["subjects"]
    assert all(0 <= quality <= 100 for quality in scored.qualities["froq_quality"])
    assert read_scored_trials(trials).name == "pairs"


def test_thresholds_from_the_file_are_those_of_the_run(
    tested: tuple[Path, dict[str, Any]], trials: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, content = tested
    options = ("--fmr", 0.05, "--max-discard", 0.2, "--groups", folder / "people.csv", "--group-column", "half")
    assert threshold(trials, *options, "--output", tmp_path / "decided.json") == 0
    assert threshold(trials, *options, "--output", tmp_path / "decided.json") == 0  # may replace its own
    decided = json.loads((tmp_path / "decided.json").read_text(encoding="utf-8"))
    of_run = content["thresholds"][0]
    assert (decided["method"], of_run["method"]) == ("froq_quality", "froq")
    assert decided["is_percentile"]
    assert decided["result"].pop("threshold") == pytest.approx(of_run["result"]["threshold"], abs=1e-8)
    assert decided["result"] == {name: of_run["result"][name] for name in decided["result"]}
    assert [group["before"] for group in decided["groups"]["groups"]] == [
        group["before"] for group in of_run["groups"]["groups"]
    ]
    output = capsys.readouterr().out
    assert "quality thresholds of froq_quality (quality in 0..100) on pairs at FMR 0.05" in output
    assert "at most 20 % of the images discarded: holds with 95 % confidence at quality" in output
    assert "by half, at quality" in output


def test_qualities_may_come_from_predict_and_the_comparison_threshold_from_production(
    trials: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scored = read_scored_trials(trials)
    rows = zip(scored.keys, scored.qualities["froq_quality"].tolist(), strict=True)
    scores = tmp_path / "scores.csv"
    scores.write_text("\n".join(["image,quality", *(f"{key},{quality:.0f}" for key, quality in rows)]))
    bare = tmp_path / "bare.csv"
    columns = ("image_a", "image_b", "mated", "comparison_score")
    with trials.open(encoding="utf-8", newline="") as file, bare.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(csv.DictReader(file))
    assert threshold(bare, "--quality", scores, "--comparison-threshold", 0.3, "--max-discard", 0.2) == 0
    output = capsys.readouterr().out
    assert "comparison threshold 0.3000" in output
    assert "at most 20 % of the images discarded: holds" in output


def test_trials_without_a_score_and_too_few_for_an_fmr_are_told(
    trials: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    header, first, *others = trials.read_text(encoding="utf-8").splitlines()
    cells = first.split(",")
    cells[header.split(",").index("comparison_score")] = ""
    (tmp_path / "trials.csv").write_text("\n".join([header, ",".join(cells), *others]), encoding="utf-8")
    assert threshold(tmp_path / "trials.csv", "--fmr", 1e-6) == 0
    output = capsys.readouterr().out
    assert "1 of 300 trials have no comparison score, and were left out" in output
    assert "only 200 of the 1,000,000 non-mated trials that FMR 1e-06 needs" in output
    assert threshold(trials, "--fmr", 0.05) == 0
    assert "left out" not in capsys.readouterr().out


def test_raw_scores_below_0_are_qualities_too(trials: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scored = read_scored_trials(trials)
    raw = dict(zip(scored.keys, scored.qualities["froq"].tolist(), strict=True))
    assert sum(quality < 0 for quality in raw.values()) > 20
    scores = tmp_path / "scores.csv"
    scores.write_text("\n".join(["image,quality_score", *(f"{key},{quality:.9g}" for key, quality in raw.items())]))
    assert threshold(trials, "--column", "froq", "--max-discard", 0.2) == 0
    expected = capsys.readouterr().out
    assert threshold(trials, "--quality", scores, "--column", "quality_score", "--max-discard", 0.2) == 0
    assert capsys.readouterr().out == expected.replace("thresholds of froq", "thresholds of quality_score")
    header, *rows = trials.read_text(encoding="utf-8").splitlines()
    renamed = tmp_path / "trials.csv"
    renamed.write_text(
        "\n".join([header.replace("froq_a,froq_b", "my_quality_a,my_quality_b"), *rows]), encoding="utf-8"
    )
    assert threshold(renamed, "--column", "my_quality", "--max-discard", 0.2) == 0
    assert capsys.readouterr().out == expected.replace("thresholds of froq", "thresholds of my_quality")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--comparison-threshold", "nan"], "Expected a finite comparison threshold, but got nan"),
        (["--max-fnmr", "2"], "Expected `max_fnmr` to be between 0 and 1, but got 2.0"),
        (["--max-fnmrr", "0.1"], "unknown option '--max-fnmrr'; nearest: --max-fnmr"),
        (["--max-fnmr", "much"], "--max-fnmr"),
        (["--fmr", "0"], "Expected the FMR to be between 0 and 1, but got 0.0"),
        (["--column", "frog"], "unknown quality in the trials 'frog'; nearest: froq"),
        (["--data-set", "pears"], "unknown data set 'pears'; nearest: pairs"),
        (["--groups", "nowhere.csv"], "'nowhere.csv' does not exist"),
        (["--quality", "nowhere.csv"], "'nowhere.csv' does not exist"),
    ],
)
def test_what_cannot_be_is_refused(
    trials: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert threshold(trials, *arguments) == 2
    assert message in capsys.readouterr().err


def test_several_data_sets_want_a_choice_and_an_output_replaces_no_file_of_yours(
    tested: tuple[Path, dict[str, Any]], trials: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert threshold(tested[0] / "trials.csv") == 2
    assert "there are several data sets, pairs and pairs, errors of twin; choose one" in capsys.readouterr().err
    assert threshold(trials, "--output", trials) == 2
    assert "it is read as trials" in capsys.readouterr().err
    (tmp_path / "mine.json").write_text("{}")
    assert threshold(trials, "--output", tmp_path / "mine.json") == 2
    assert (tmp_path / "mine.json").read_text() == "{}"


def test_templates_of_an_image_each_go_by_their_numbers(
    network: tuple[str, ...], observer: Path, shared: Path, tmp_path: Path
) -> None:
    folder, crops = tmp_path / "IJBC", sorted((shared / "data" / "faces").glob("*/*.jpg"))
    landmarks = "38.2946 51.6963 73.5318 51.5014 56.0252 71.7366 41.5493 92.3655 70.7299 92.2041 0.99"
    for name in ("meta", "loose_crop"):
        (folder / name).mkdir(parents=True)
    for number in (1, 2, 3):
        (folder / "loose_crop" / f"{number}.jpg").write_bytes(crops[number].read_bytes())
    contents = {"face_tid_mid": "1.jpg 10 7\n2.jpg 3 8\n3.jpg 25 9\n", "template_pair_label": "10 3 1\n10 25 0\n"}
    contents["name_5pts_score"] = "".join(f"{number}.jpg {landmarks}\n" for number in (1, 2, 3))
    for name, text in contents.items():
        (folder / "meta" / f"ijbc_{name}.txt").write_text(text, encoding="utf-8")
    trials, outputs = tmp_path / "trials.csv", (f"--output={tmp_path / 'results.csv'}",)
    arguments = ["test", *network, f"--model.observer={observer}", f"--data.source={folder}", *outputs]
    assert main([*arguments, f"--trials={trials}"]) == 0
    with trials.open(encoding="utf-8", newline="") as file:
        assert [(row["image_a"], row["image_b"]) for row in csv.DictReader(file)] == [("1", "0"), ("1", "2")]


def test_networks_that_take_other_crops_or_one_name_are_refused(
    network: tuple[str, ...],
    observer: Path,
    tested: tuple[Path, dict[str, Any]],
    shared: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("froq_dlib", reason="needs the plugin froq-dlib")
    arguments = ["test", *network, f"--model.observer={observer}", f"--data.source={tested[0] / 'pairs.csv'}"]
    arguments.append(f"--data.root={shared / 'data'}")
    assert main([*arguments, "--model.backbones=[{backbone: dlib_resnet29}]"]) == 2
    assert (
        "Expected networks that take the same crops, but dlib_resnet29 takes size (150, 150)" in capsys.readouterr().err
    )
    assert main([*arguments, "--model.backbones=[{backbone: dlib_resnet29}, {backbone: dlib_resnet29}]"]) == 2
    assert "Expected networks of different names, but got dlib_resnet29 twice" in capsys.readouterr().err
    assert main([*arguments, "--model.backbones=[{backbone: edgeface_xxs}]"]) == 2
    assert "Expected an `observer` for edgeface_xxs" in capsys.readouterr().err
