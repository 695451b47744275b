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
from froq_lightning.evaluation.evaluate import MetricOptions, evaluate
from froq_lightning.evaluation.outcome import Evaluation, Result
from froq_lightning.module import FroqModule

Write = Callable[[Evaluation], tuple[list[dict[str, str]], Any]]
TIMES = ("milliseconds", "pass_milliseconds", "times_bare_pass")


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
        assert row["milliseconds"] == {"good": "8.0", "bad": ""}[result.method]
        assert row["convention_in_words"] == create_convention(result.convention).describe()


def test_the_json_holds_everything_behind_the_results(write: Write, evaluation: Evaluation) -> None:
    _, content = write(evaluation)
    assert next(iter(content.items())) == ("schema_version", 1)
    assert content["froq_lightning"] == metadata.version("froq-lightning")
    assert content["backbone"] == "network"
    assert [one["name"] for one in content["methods"]] == ["good", "bad", "refused"]
    good, bad, refused = content["methods"]
    assert good["parameters"] == {"rate": 0.5, "threshold": None}
    assert (good["milliseconds"], good["times_bare_pass"]) == (8, 2)
    assert bad["milliseconds"] is bad["times_bare_pass"] is None
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


def test_the_same_evaluation_gives_the_same_bytes_but_for_measured_times(
    write: Write, evaluation: Evaluation, path: Path
) -> None:
    methods = tuple(dataclasses.replace(method, milliseconds=9.0) for method in evaluation.methods)
    slower = dataclasses.replace(evaluation, pass_milliseconds=5.0, methods=methods)
    files, contents = [], []
    for run in (evaluation, evaluation, slower):
        rows, content = write(run)
        files.append(path.read_bytes() + path.with_suffix(".json").read_bytes())
        for each in (*rows, content, *content["methods"]):
            for time in TIMES:
                each.pop(time, None)
        contents.append((rows, content))
    assert files[0] == files[1] != files[2]
    assert contents[0] == contents[1] == contents[2]


def test_nothing_half_written_is_left_behind(write: Write, evaluation: Evaluation, path: Path) -> None:
    write(evaluation)
    assert sorted(file.name for file in path.parent.iterdir()) == ["results.csv", "results.json"]
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
        errors = [result.false_non_matches, result.mated, result.false_matches, result.non_mated]
        assert [one, f"{result.threshold:.4f}", f"{result.fnmr:.4f}", *map(str, errors)] in lines
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
