"""The tables for LaTeX: read with a small reader of the commands that they use."""

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest

from froq_lightning.callbacks.results_tex import TEX, escape_tex, write_tex
from froq_lightning.evaluation.evaluate import MetricOptions, evaluate, evaluate_oracles
from froq_lightning.evaluation.outcome import Evaluation

OPTIONS = MetricOptions(("froq", "rce"), (0.05, 0.001), bootstrap=20)
ODD = "50%_of {faces} & \\ ~^ #1 $x$ <a>"


@pytest.fixture
def odd(evaluation: Evaluation) -> Evaluation:
    """An evaluation with intervals and oracles, of names that mean something to LaTeX."""
    first, second = evaluation.sets
    sets = (dataclasses.replace(first, name=ODD), second)
    embeddings = np.random.default_rng(0).normal(size=(100, 8)).astype(np.float32)
    qualities = [{"[good]": each.unit_qualities["good"], "bad": each.unit_qualities["bad"]} for each in sets]
    both = list(zip(sets, qualities, strict=True))
    good, *others = evaluation.methods
    return dataclasses.replace(
        evaluation,
        methods=(dataclasses.replace(good, name="[good]"), *others),
        sets=sets,
        conventions=OPTIONS.created_conventions(),
        fmr=OPTIONS.fmr,
        results=tuple(r for each, known in both for r in evaluate(each.name, each.trials, known, OPTIONS)),
        oracles=tuple(r for each in sets for r in evaluate_oracles(each.name, each.trials, embeddings, OPTIONS)),
    )


def tables(path: Path) -> list[tuple[str, list[list[str]], str]]:
    """Caption, rows of cells (rules are rows of one cell), and note of every table."""
    text = path.read_text(encoding="utf-8")
    found = re.findall(
        r"\\begin\{table\}\n\\centering\n\\caption\{(.*?)\}\n\\begin\{tabular\}\{(l(?:r+))\}\n(.*?)\n\\end\{tabular\}\n\n"
        r"\\smallskip\n\{\\footnotesize (.*?)\\par\}\n\\end\{table\}",
        text,
        re.DOTALL,
    )
    assert len(found) == text.count(r"\begin{table}") == text.count(r"\end{table}")
    read = []
    for caption, columns, body, note in found:
        for part in (caption, body, note):
            bare = re.sub(r"\\[{}]", "", part)
            assert bare.count("{") == bare.count("}")
        rows = [re.split(r"(?<!\\) & ", line.removesuffix(r" \\")) for line in body.split("\n")]
        assert {len(row) for row in rows} == {1, len(columns)}
        read.append((caption, rows, note))
    return read


def test_every_convention_and_rate_is_a_table_with_the_values_intervals_and_oracles(
    odd: Evaluation, tmp_path: Path
) -> None:
    write_tex(tmp_path / "results.tex", odd)
    assert TEX(tmp_path / "results.tex")
    *found, (_, errors, dagger) = tables(tmp_path / "results.tex")
    captions = [
        f"{name} at FMR {fmr:g}; {way} is better."
        for name, way in (("froq", "lower"), ("rce", "higher"))
        for fmr in OPTIONS.fmr
    ]
    assert [caption for caption, _, _ in found] == captions
    _, rows, note = found[0]
    rules = [row[0] for row in rows if len(row) == 1]
    assert rules == [r"\toprule", r"\midrule", r"\midrule", r"\bottomrule"]
    names = [row[0] for row in rows if len(row) > 1]
    assert names == ["Method", "{[}good{]}", "", "bad", "", "perfect", "", "cosine to the subject's mean", ""]
    assert rows[1] == ["Method", escape_tex(ODD), "beta", "mean"]
    result = odd.result(ODD, "[good]", "froq", 0.05)
    assert rows[3][1] == rf"$\mathbf{{{result.value:.3f}}}$", "31 errors, and intervals apart"
    assert rows[4][1] == rf"{{\scriptsize $[{result.low:.3f}, {result.high:.3f}]$}}"
    assert rows[5][1] == f"${odd.result(ODD, 'bad', 'froq', 0.05).value:.3f}$"
    assert note.startswith("Area under FNMR over the discarded share of mated trials")
    for part in ("lower is better.", "Bold: the best", "95\\,\\% confidence", "Below the line: oracles"):
        assert part in note
    assert "oracles" not in found[2][2], "a convention without a curve has none"
    assert errors[1][-4:] == ["Mated", "False non-matches", "Non-mated", "False matches"]
    assert errors[3][0] == escape_tex(ODD)
    assert errors[3][1:3] == ["0.05", "froq, rce"]
    assert errors[3][-4:] == [f"{result.mated}", "31", f"{result.non_mated}", r"20$^\dagger$"]
    assert "Fewer than 30 errors" in dagger


def test_values_that_are_not_defined_are_dashes_and_nothing_is_bold_without_intervals(
    evaluation: Evaluation, tmp_path: Path
) -> None:
    first, *others = evaluation.results
    results = (dataclasses.replace(first, value=float("nan")), *others)
    write_tex(tmp_path / "results.tex", dataclasses.replace(evaluation, results=results))
    _, rows, note = tables(tmp_path / "results.tex")[0]
    assert rows[3][1] == rows[3][3] == "--"
    assert [row[0] for row in rows if len(row) > 1] == ["Method", "good", "bad"]
    assert "mathbf" not in (tmp_path / "results.tex").read_text(encoding="utf-8")
    assert "Small" not in note


def test_an_evaluation_without_a_method_that_works_has_no_tables(evaluation: Evaluation, tmp_path: Path) -> None:
    write_tex(tmp_path / "results.tex", dataclasses.replace(evaluation, methods=evaluation.methods[2:], results=()))
    assert tables(tmp_path / "results.tex") == []


def test_names_are_printed_as_they_are() -> None:
    assert escape_tex(r"a_b & c\d 5%") == r"a\_b \& c\textbackslash{}d 5\%"
    assert escape_tex("x--y [*] \u202e") == r"x-{}-y {[}{*}{]} \textbackslash{}u202e"
    assert escape_tex("x---y ``q'' ?`") == "x-{}-{}-y `{}`q'{}' ?{}`"
