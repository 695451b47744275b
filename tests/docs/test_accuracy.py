"""The figure of methods shows what stands in the table of benchmarks/README.md."""

import math
import re
from pathlib import Path

import accuracy_plot
import pytest
from accuracy_plot import FIGURE, NAMES, README, as_json, draw, read_table
from themed_svg import numbers_in


def test_the_committed_figure_was_drawn_from_the_table_as_it_stands() -> None:
    table = read_table()
    assert numbers_in(FIGURE) == as_json(table)
    assert list(numbers_in(FIGURE)) == list(table)


def test_every_method_and_its_mean_are_written_in_the_figure() -> None:
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", FIGURE.read_text(encoding="utf-8"))
    for method, (*_, mean) in read_table().items():
        assert NAMES[method] in texts
        assert math.isnan(mean) or f"{mean:.3f}" in texts
    assert "convention froq" in " ".join(texts)


def test_the_table_is_read_as_it_is_written(tmp_path: Path) -> None:
    changed = README.read_text(encoding="utf-8").replace("| face_qan | 0.493 |", "| face_qan | 0.111 |")
    (tmp_path / "README.md").write_text(changed, encoding="utf-8")
    assert read_table(tmp_path / "README.md")["face_qan"][0] == 0.111
    assert read_table()["face_qan"][0] == 0.493
    draw(read_table(tmp_path / "README.md"), tmp_path / "figure.svg")
    assert numbers_in(tmp_path / "figure.svg") != numbers_in(FIGURE)


def test_figures_in_the_summary_are_those_of_the_table() -> None:
    """The first lines of benchmarks/README.md name the best three."""
    means = {method: row[-1] for method, row in read_table().items()}
    summary = next(line for line in README.read_text(encoding="utf-8").splitlines() if "no training? |" in line)
    named = [float(number) for number in re.findall(r"0\.\d{3}", summary)]
    assert named == [means["froq, pseudo_mated / ridge"], means["froq, published / paper"], means["prefiqs, share 0.2"]]


@pytest.mark.parametrize("name", accuracy_plot.NAMES)
def test_every_name_is_of_a_method_in_the_table(name: str) -> None:
    assert name in read_table()
