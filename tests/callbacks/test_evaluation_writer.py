import csv
import dataclasses
import json
import math
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lightning.pytorch import LightningModule, Trainer

from froq_lightning.callbacks import EvaluationWriter
from froq_lightning.errors import ConfigurationError
from froq_lightning.evaluation.convention import create_convention
from froq_lightning.evaluation.evaluate import MetricOptions, evaluate, evaluate_oracles
from froq_lightning.evaluation.outcome import Evaluation, Result
from froq_lightning.module import FroqModule

Write = Callable[[Evaluation], tuple[list[dict[str, str]], Any]]
FILES = ["results.csv", "results.errors.csv", "results.json", "results.table.csv", "results.tex", "results.times.csv"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deeper" / "results.csv"


@pytest.fixture
def write(trainer: Trainer, module: FroqModule, path: Path) -> Write:
    """Writes the files of an evaluation and reads them."""

    def written(evaluation: Evaluation) -> tuple[list[dict[str, str]], Any]:
        module.evaluation = evaluation
        EvaluationWriter(path).on_test_end(trainer, module)
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        return rows, json.loads(path.with_suffix(".json").read_text(encoding="utf-8"), parse_constant=pytest.fail)

    return written


def test_the_csv_has_a_row_for_every_result_with_all_it_says(write: Write, evaluation: Evaluation) -> None:
    rows, _ = write(evaluation)
    assert len(rows) == len(evaluation.results) == 2 * 2 * 4 * 2
    for row, result in zip(rows, evaluation.results, strict=True):
        for field in dataclasses.fields(Result):
            if not field.name.startswith(("fractions", "curve")):
                value = getattr(result, field.name)
                missing = isinstance(value, float) and math.isnan(value)
                assert row[field.name] == ("" if missing else str(value))
        assert row["convention_in_words"] == create_convention(result.convention).describe()


def test_the_json_holds_everything_behind_the_results(write: Write, evaluation: Evaluation) -> None:
    _, content = write(evaluation)
    assert next(iter(content.items())) == ("schema_version", 1)
    assert content["froq_lightning"] == metadata.version("froq-lightning")
    assert content["backbone"] == "network"
    assert [one["name"] for one in content["methods"]] == ["good", "bad", "refused"]
    good, bad, refused = content["methods"]
    assert good["parameters"] == {"rate": 0.5, "threshold": None}
    assert bad["parameters"] == {"scores": "from a file"}
    assert refused["refusal"] == "needs dropout"
    for said, convention in zip(content["conventions"], evaluation.conventions, strict=True):
        assert dataclasses.asdict(convention).items() <= said.items()
        assert said["in_words"] == convention.describe()
    for said, result in zip(content["results"], evaluation.results, strict=True):
        np.testing.assert_array_equal(said["curve"], result.curve)
        np.testing.assert_array_equal(said["fractions"], result.fractions)
    trials = evaluation.sets[1].trials
    assert content["sets"][1] == {
        "name": "beta",
        "note": "",
        "images": 100,
        "subjects": 20,
        "mated": int(trials.mated.sum()),
        "non_mated": int((~trials.mated).sum()),
        "left_out": {"broken.jpg": "file is empty"},
    }
    assert "refused cannot work here: needs dropout" in content["remarks"]


def test_the_same_evaluation_gives_the_same_bytes_but_in_the_file_of_measured_times(
    write: Write, evaluation: Evaluation, path: Path
) -> None:
    methods = tuple(dataclasses.replace(method, milliseconds=9.0) for method in evaluation.methods)
    slower = dataclasses.replace(evaluation, pass_milliseconds=5.0, methods=methods)
    contents: list[dict[str, bytes]] = []
    for run in (evaluation, evaluation, slower):
        write(run)
        contents.append({file.name: file.read_bytes() for file in path.parent.iterdir()})
    assert contents[0] == contents[1]
    assert [name for name in FILES if contents[0][name] != contents[2][name]] == ["results.times.csv"]
    assert contents[0]["results.times.csv"].decode().splitlines() == [
        "method,milliseconds,times_bare_pass,refusal",
        "bare forward pass,4.0,1.0,",
        "good,8.0,2.0,",
        "bad,,,",
        "refused,,,needs dropout",
    ]


def test_nothing_half_written_is_left_behind(write: Write, evaluation: Evaluation, path: Path) -> None:
    write(evaluation)
    assert sorted(file.name for file in path.parent.iterdir()) == FILES
    broken = dataclasses.replace(evaluation.methods[0], parameters={"rate": object()})
    before = path.with_suffix(".json").read_bytes()
    with pytest.raises(TypeError):
        write(dataclasses.replace(evaluation, methods=(broken, *evaluation.methods[1:])))
    assert path.with_suffix(".json").read_bytes() == before


def test_what_is_printed_says_its_convention_thresholds_and_counts(
    write: Write, evaluation: Evaluation, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(evaluation)
    printed = capsys.readouterr().out
    for convention in evaluation.conventions:
        for fmr in evaluation.fmr:
            assert f"\n{convention.name} at FMR {fmr:g}\n{convention.describe()}\n" in printed
    lines = [line.split() for line in printed.splitlines()]
    for one in ("alpha", "beta"):
        result = evaluation.result(one, "good", "froq", 0.05)
        errors = [f"{result.false_non_matches}", f"{result.mated}", f"{result.false_matches}!", f"{result.non_mated}"]
        assert result.false_matches < 30 < result.false_non_matches, "what the mark says"
        assert [one, f"{result.threshold:.4f}", f"{result.fnmr:.4f}", *errors] in lines
    assert "  ! fewer than 30 errors: differences between methods may be chance" in printed
    (header,) = {tuple(line) for line in lines if line[-1:] == ["mean"]}
    assert header == ("method", "alpha", "beta", "mean")
    good, bad = (next(line for line in lines if line[:1] == [method]) for method in ("good", "bad"))
    assert not any(cell.endswith("*") for cell in (*good, *bad)), "without intervals nobody knows"
    assert "  no method is marked as the best: whether differences are more than chance" in printed
    assert float(good[1]) == round(evaluation.result("alpha", "good", "froq", 0.05).value, 3)
    assert ["good", "8.00", "2.00"] in lines
    assert ["bad", "-", "-"] in lines
    assert "  broken.jpg: file is empty" in printed.splitlines()
    assert "95 %" not in printed
    assert printed.endswith(f"results: {path}\neverything behind them: {path.with_suffix('.json')}\n")


def test_intervals_are_printed_where_they_were_asked_for(
    write: Write, evaluation: Evaluation, capsys: pytest.CaptureFixture[str]
) -> None:
    data_set, options = evaluation.sets[0], MetricOptions(("froq",), (0.05,), bootstrap=20)
    results = tuple(evaluate("alpha", data_set.trials, data_set.unit_qualities, options))
    conventions = options.created_conventions()
    write(dataclasses.replace(evaluation, sets=(data_set,), conventions=conventions, fmr=(0.05,), results=results))
    printed = capsys.readouterr().out
    assert "95 % confidence interval  alpha" in printed
    assert f"{results[0].low:.3f} to {results[0].high:.3f}" in printed
    assert results[0].high < results[1].low, "what the mark rests on"
    assert f"good    {results[0].value:.3f}*" in printed
    assert "* the best of its column: its 95 % confidence interval is apart from all others" in printed
    assert "no method is marked" not in printed


def test_oracles_stand_apart_below_the_methods_and_are_never_the_best(
    write: Write, evaluation: Evaluation, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = MetricOptions(("froq", "cr-fiqa"), (0.05,), bootstrap=20)
    sets = evaluation.sets
    embeddings = np.random.default_rng(0).normal(size=(100, 8)).astype(np.float32)
    results = [r for each in sets for r in evaluate(each.name, each.trials, each.unit_qualities, options)]
    oracles = [r for each in sets for r in evaluate_oracles(each.name, each.trials, embeddings, options)]
    conventions = options.created_conventions()
    changed = {"conventions": conventions, "fmr": (0.05,), "results": tuple(results), "oracles": tuple(oracles)}
    rows, content = write(dataclasses.replace(evaluation, **changed))
    assert {row["method"] for row in rows} == {"good", "bad"}
    told = [(each["data_set"], each["method"], each["convention"]) for each in content["oracles"]]
    assert told == [(each.data_set, each.method, each.convention) for each in oracles]
    printed = [line.strip() for line in capsys.readouterr().out.splitlines()]
    place = printed.index("oracles, made from what no quality method knows")
    mean = np.mean([each.value for each in oracles if each.method == "perfect"])
    assert printed[place + 1].split()[::3] == ["perfect", f"{mean:.3f}"]
    assert printed[place + 2].startswith("cosine to the subject's mean ")
    assert [line.startswith("perfect") for line in printed].count(True) == 2, "with its interval, at a fixed threshold"
    assert not any("*" in line for line in printed[place + 1 : place + 3])
    with path.with_suffix(".table.csv").open(encoding="utf-8", newline="") as file:
        pivoted = list(csv.DictReader(file))
    kinds = [(row["convention"], row["kind"], row["method"]) for row in pivoted]
    mine = [("method", "good"), ("method", "bad"), ("oracle", "perfect"), ("oracle", "cosine to the subject's mean")]
    assert kinds == [("froq", *each) for each in mine] + [("cr-fiqa", *each) for each in (*mine[:2], mine[3])]
    assert float(pivoted[2]["mean"]) == pytest.approx(mean)
    assert float(pivoted[0]["beta"]) == results[4].value


def test_the_table_of_errors_has_a_row_for_every_threshold(write: Write, evaluation: Evaluation, path: Path) -> None:
    write(evaluation)
    with path.with_suffix(".errors.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["conventions"] for row in rows} <= {"froq, cr-fiqa, iso, rce", "froq, iso, rce", "cr-fiqa"}
    for row in rows:
        for convention in row["conventions"].split(", "):
            result = evaluation.result(row["data_set"], "good", convention, float(row["fmr"]))
            assert [row["threshold"], row["fnmr"]] == [str(result.threshold), str(result.fnmr)]
            counts = [result.false_non_matches, result.mated, result.false_matches, result.non_mated]
            names = ("false_non_matches", "mated", "false_matches", "non_mated")
            assert [int(row[name]) for name in names] == counts
            assert int(row["few_errors"]) == (min(counts[0], counts[2]) < 30)


def test_files_of_others_are_refused_before_the_run(
    trainer: Trainer, module: FroqModule, tmp_path: Path, evaluation: Evaluation
) -> None:
    writer = EvaluationWriter(tmp_path / "results.tsv")
    names = {path.name for path, _ in writer.outputs()}
    assert names == {name.replace(".csv", ".tsv") for name in FILES}
    module.evaluation = evaluation
    writer.on_test_end(trainer, module)
    writer.setup(trainer, module, "test")
    for path, _ in writer.outputs():
        written = path.read_bytes()
        path.write_text("my own")
        with pytest.raises(ConfigurationError, match=f"{path.name}' is to be written, but holds something that this"):
            writer.setup(trainer, module, "test")
        path.write_bytes(written)


def test_an_evaluation_in_which_no_method_works_is_written_too(write: Write, evaluation: Evaluation) -> None:
    rows, content = write(dataclasses.replace(evaluation, methods=evaluation.methods[2:], results=()))
    assert rows == content["results"] == []


def test_another_module_or_one_without_an_evaluation_is_refused(
    trainer: Trainer, module: FroqModule, tmp_path: Path
) -> None:
    writer = EvaluationWriter(tmp_path / "results.csv")
    with pytest.raises(ConfigurationError, match="EvaluationWriter works with FroqModule, not LightningModule"):
        writer.on_test_end(trainer, LightningModule())
    module.evaluation = None
    with pytest.raises(ConfigurationError, match="EvaluationWriter works with FroqModule after `test`"):
        writer.on_test_end(trainer, module)
