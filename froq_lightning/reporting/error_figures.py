"""Error-versus-discard curves as figures that can stand alone, with a title, names of lines, and numbers of errors."""

import re
import textwrap
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from froq_lightning.evaluation.convention import Convention
from froq_lightning.evaluation.outcome import FEW_ERRORS, Evaluation, Result
from froq_lightning.reporting.error_curves import CHANCE, REFERENCES, edc_figure
from froq_lightning.reporting.figure_writer import MADE_BY
from froq_lightning.reporting.palette import INK, Stroke

# Characters of a line above the axes.
LINE = 84
# What is not taken over into the name of a file.
ODD = re.compile(r"[^\w.=+-]+")
# Bytes of the names of a data set and of a convention in it: a file system allows 255 for all of it.
MOST_BYTES = 80


def figures(evaluation: Evaluation) -> Iterator[tuple[str, Figure]]:
    """Yield names of files without suffix, each different, and figures."""
    strokes = {method.name: Stroke.of(number) for number, method in enumerate(evaluation.working())}
    names: list[str] = []
    for data_set in evaluation.sets:
        for convention in evaluation.conventions:
            for fmr in evaluation.fmr:
                key = (data_set.name, convention.name, fmr)
                results = {name: evaluation.result(data_set.name, name, *key[1:]) for name in strokes}
                oracles = {each.method: each for each in evaluation.oracles if _key(each) == key}
                if figure := edc_figure(results, convention, strokes, oracles):
                    _explain(figure, next(iter(results.values())), convention, strokes, oracles)
                    name = f"{_plain(data_set.name)}-{_plain(convention.name)}-{fmr:g}"
                    names.append(_unlike(name, names))
                    yield names[-1], figure


def _key(result: Result) -> tuple[str, str, float]:
    return result.data_set, result.convention, result.fmr


def _plain(name: str) -> str:
    """Return a name, or its beginning, as it can stand in the name of a file."""
    return ODD.sub("_", name).encode()[:MOST_BYTES].decode(errors="ignore")


def _unlike(name: str, others: Sequence[str]) -> str:
    """Number a name if a file system might take it for another one."""
    taken = {other.casefold() for other in others}
    numbered = (f"{name}-{number}" for number in range(2, len(others) + 3))
    return next(each for each in (name, *numbered) if each.casefold() not in taken)


def _explain(
    figure: Figure, counts: Result, convention: Convention, strokes: Mapping[str, Stroke], oracles: Mapping[str, Result]
) -> None:
    """Add what a page has around a figure: the title, the names of the axes, and of the lines."""
    (axes,) = figure.axes
    axes.set_title("", loc="left")
    axes.set_ylabel("false non-match rate (FNMR)", color=INK)
    words = convention.describe()
    lines = [
        f"{counts.data_set}, {convention.name} at FMR {counts.fmr:g}: {counts.false_non_matches:,} false non-matches "
        f"of {counts.mated:,} mated trials, {counts.false_matches:,} false matches of {counts.non_mated:,} non-mated",
        f"{words[0].upper()}{words[1:]}.",
    ]
    if min(counts.false_non_matches, counts.false_matches) < FEW_ERRORS:
        lines.append(f"With fewer than {FEW_ERRORS} errors, differences between methods may be chance.")
    if counts.curve_low:
        lines.append("Shaded: 95 % confidence intervals of single points, from a bootstrap by subject.")
    title = "\n".join(textwrap.fill(line, LINE, break_on_hyphens=False) for line in lines)
    # Dollars in names are no formulas.
    axes.set_title(title, loc="left", fontsize=7, color=INK, x=-0.12, parse_math=False)
    shown = {**strokes, **{name: stroke for name, stroke in REFERENCES.items() if name in oracles or name == CHANCE}}
    handles = [Line2D([], [], label=name, **each.line) for name, each in shown.items()]
    legend = axes.legend(
        handles=handles,
        fontsize=7,
        frameon=False,
        handlelength=3,
        loc="upper left",
        bbox_to_anchor=(-0.12, -0.16),
        ncols=2,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)
    for artist in figure.findobj():
        artist.set_gid(None)  # by which a page shows and hides lines


def save(figure: Figure, path: Path, name: str) -> None:
    """Write a figure; the same figure of the same name gives the same bytes."""
    metadata = {"Date": None, "Creator": MADE_BY, "Title": name}
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}), warnings.catch_warnings():
        # Text stays text, for which the reader of the figure has the glyphs.
        warnings.filterwarnings("ignore", message="Glyph ")
        figure.savefig(path, format="svg", metadata=metadata, bbox_inches="tight")
