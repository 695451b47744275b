"""Draw docs/accuracy.svg from the table of methods in benchmarks/README.md: `python benchmarks/accuracy_plot.py`."""

import math
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from themed_svg import save

from froq_lightning.reporting.chart import empty_chart
from froq_lightning.reporting.palette import FAINT, INK, LIGHT

README = Path(__file__).with_name("README.md")
FIGURE = Path(__file__).parents[1] / "docs" / "accuracy.svg"
# The header of the table.
COLUMNS = ("method", "edgeface_xxs", "mobilefacenet", "dlib_resnet29", "mean")
MARKS = ("o", "s", "^")
# How a method is called for those who do not know its name in the tool.
NAMES = {
    "froq, pseudo_mated / ridge": "FROQ, the default",
    "froq, mated / ridge": "FROQ, with subjects",
    "froq, published / paper": "FROQ as published",
    "prefiqs, share 0.2": "PreFIQs, share 0.2",
    "prefiqs": "PreFIQs, share 0.4",
    "face_qan": "FaceQAN",
    "flip": "flip",
    "perturbation, without noise": "flip and occlusion",
    "embedding_norm": "embedding norm",
    "grafiqs": "GraFIQs",
    "ser_fiq, rate 0.5": "SER-FIQ, rate 0.5",
}
TITLE = "Which quality foretells recognition errors: pAUC of FROQ and of other methods that need no training"
AXIS = (
    "pAUC by the convention froq, lower is better: mean FNMR while the worst 0 to 30 % of the mated trials are\n"
    "discarded, divided by the FNMR of all (FMR 1 % and 0.1 %); 50 subjects held out from calibration"
)

# By method: of every network and the mean of all, NaN where there is none.
Table = dict[str, list[float]]


def read_table(path: Path = README) -> Table:
    """Read the figures of the methods from the table; the best method first, those without a mean last."""
    lines = path.read_text(encoding="utf-8").splitlines()
    start = next(place for place, line in enumerate(lines) if _cells(line) == list(COLUMNS))
    rows = {}
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        method, *values = _cells(line)
        rows[method] = [_number(value) for value in values]
    return dict(sorted(rows.items(), key=lambda row: row[1][-1] if math.isfinite(row[1][-1]) else math.inf))


def draw(table: Table, path: Path) -> None:
    """Draw the mean of a method as a bar, and every network as a mark."""
    figure, axes = empty_chart(6.6, 0.3 * len(table) + 1.2, (1.45, 0.15, 0.75, 0.45))
    for place, (method, (*networks, mean)) in enumerate(table.items()):
        if math.isfinite(mean):
            axes.barh(place, mean, height=0.66, color=LIGHT[2] if method.startswith("froq") else FAINT, alpha=0.75)
            axes.text(0.012, place, f"{mean:.3f}", va="center", color=INK, fontsize=9, fontweight="bold")
        for value, mark in zip(networks, MARKS, strict=True):
            axes.plot(value, place, mark, color=INK, markersize=4.5)
    axes.axvline(1, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    axes.text(1, -0.75, "random", ha="center", color=INK, fontsize=9)
    axes.set(xlim=(0, 1.1), ylim=(len(table) - 0.5, -0.6))
    axes.set_yticks(range(len(table)), [NAMES.get(method, method) for method in table], fontsize=9)
    axes.set_xlabel(AXIS, color=INK, fontsize=8.5, x=0.36)
    _legend(axes)
    save(figure, path, TITLE, as_json(table))


def as_json(table: Table) -> dict[str, list[float | None]]:
    """Return the figures as JSON values: null where there is none."""
    return {method: [None if math.isnan(value) else value for value in row] for method, row in table.items()}


def _legend(axes: Axes) -> None:
    bar = Line2D([], [], color=FAINT, linewidth=7)
    marks = [Line2D([], [], color=INK, marker=mark, linestyle="", markersize=4.5) for mark in MARKS]
    axes.legend(
        [bar, *marks],
        ["mean of three", *COLUMNS[1:-1]],
        fontsize=8.5,
        frameon=False,
        labelcolor=INK,
        columnspacing=1.2,
        loc="lower left",
        bbox_to_anchor=(-0.26, 1.0),
        ncols=4,
    )


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")] if line.startswith("|") else []


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return math.nan


if __name__ == "__main__":
    draw(read_table(), FIGURE)
