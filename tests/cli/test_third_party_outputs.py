"""A format and a report section of somebody else: one file and one entry point each, and the commands use them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from froq_lightning.cli import main
from froq_lightning.extensions import FORMATS, SECTIONS

FORMAT = """\
from froq_lightning.atomic_write import signature
from froq_lightning.formats import Format

def write(path, results):
    path.write_text("lines\\n" + "".join(f"{row.image}|{row.quality}\\n" for row in results.rows()), encoding="utf-8")

LINES = Format((".lines",), "scores", signature(rb"lines\\n"), write)
"""
SECTION = """\
from froq_lightning.reporting.page import fill
from froq_lightning.reporting.section import Part, Section

def render(context):
    count = len(context.calibration.observer.layers)
    yield Part("mine", "My part", fill("<h2>Mine</h2><p>{{ count }} layers, {{ name }}</p>", count=count, name="<b>"))

SECTION = Section("calibration", 45, render)
"""


@pytest.mark.slow
def test_scores_are_written_in_a_format_of_somebody_else(
    network: tuple[str, ...],
    observer: Path,
    faces: Path,
    install: Callable[..., Path],
    on_path: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    command = ["predict", *network, f"--model.observer={observer}", f"--data.source={faces}"]
    assert main([*command, "--output=scores.lines"]) == 2
    assert "Expected scores to go to a .csv, .jsonl, .parquet, .tsv or .txt file" in capsys.readouterr().err
    (on_path / "froq_lines.py").write_text(FORMAT)
    install("froq_lines", "lines = froq_lines:LINES", group=FORMATS)
    assert main([*command, "--output=scores.lines"]) == 0
    title, *lines = (tmp_path / "scores.lines").read_text(encoding="utf-8").splitlines()
    assert title == "lines"
    assert [line.split("|")[0] for line in lines] == sorted(path.name for path in faces.iterdir())
    assert main([*command, "--output=scores.lines"]) == 0, "it replaces its own file"


@pytest.mark.slow
def test_a_section_of_somebody_else_stands_on_the_page(
    network: tuple[str, ...], manifest: Path, install: Callable[..., Path], on_path: Path, tmp_path: Path
) -> None:
    (on_path / "froq_section.py").write_text(SECTION)
    install("froq_section", "mine = froq_section:SECTION", group=SECTIONS)
    assert main(["validate", *network, f"--data.source={manifest}", "--output=observer.json"]) == 0
    page = (tmp_path / "observer.html").read_text(encoding="utf-8")
    links = page[page.index("<nav") : page.index("</nav>")]
    assert links.index("#scores") < links.index('<a href="#mine">My part</a>') < links.index("#faces")
    assert " layers, &lt;b&gt;</p>" in page[page.index('<section id="mine">') :]
