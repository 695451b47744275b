"""Draw docs/figures, which explain the conventions of a curve, from simulated comparison trials.

Run `PYTHONPATH=benchmarks python docs/figures.py`. Trials are simulated, so that no face is needed and everyone gets
the same figures: each person is a random vector, each image that vector with the more noise, the less usable it is.
Part of that noise is the same in all images, since bad faces are alike, whoever they show.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from themed_svg import save

from froq_lightning.evaluation.comparisons import Floats, Trials, compare, pair_quality
from froq_lightning.evaluation.convention import PRESETS, Convention
from froq_lightning.evaluation.edc import ErrorVersusDiscardCurve, error_versus_discard
from froq_lightning.evaluation.rce import rank_consistency
from froq_lightning.reporting.chart import empty_chart
from froq_lightning.reporting.palette import FAINT, INK, LIGHT

FOLDER = Path(__file__).with_name("figures")
PEOPLE, IMAGES = 400, 4
FMR = 0.001
DISCARDED = "share of the mated trials that is discarded, the lowest quality first"
FNMR = "FNMR of those that are left"
# What is drawn, and the numbers behind it.
Drawn = tuple[Figure, str, dict[str, Any]]


def simulate(seed: int = 0) -> tuple[Trials, dict[str, Floats]]:
    """Return all mated trials and ten times as many non-mated ones, in random order, and three qualities of images."""
    generator = np.random.default_rng(seed)
    subjects = np.repeat(np.arange(PEOPLE), IMAGES)
    usable = generator.beta(4, 1.3, len(subjects))
    bad = (1 - usable[:, None]) ** 2
    noise = generator.normal(size=(len(subjects), 128)) * (0.5 + 4 * bad) + 4 * bad * generator.normal(size=128)
    vectors = (generator.normal(size=(PEOPLE, 128))[subjects] + noise).astype(np.float32)
    first, second = (np.arange(PEOPLE)[:, None] * IMAGES + side for side in np.triu_indices(IMAGES, 1))
    others = generator.integers(len(subjects), size=(2, 10 * first.size))
    others = others[:, subjects[others[0]] != subjects[others[1]]]
    order = generator.permutation(first.size + others.shape[1])
    a, b = (np.concatenate([mine.ravel(), other])[order] for mine, other in zip((first, second), others, strict=True))
    seen = usable + generator.normal(0, 0.08, len(subjects))
    qualities = {
        "fine": seen,
        "coarse": np.digitize(seen, [0.4, 0.6, 0.8]).astype(np.float64),
        "random": generator.random(len(subjects)),
    }
    return Trials(compare(vectors, a, b), subjects[a] == subjects[b], a, b, subjects), qualities


def curve(trials: Trials, quality: Floats, convention: Convention) -> ErrorVersusDiscardCurve:
    """Return the curve of a quality of images."""
    return error_versus_discard(
        trials.scores, trials.mated, pair_quality(quality, trials.first, trials.second), convention, FMR
    )


def area() -> Drawn:
    """Draw a curve, and the area under it."""
    trials, qualities = simulate()
    found = curve(trials, qualities["fine"], PRESETS["froq"])
    whole = curve(trials, qualities["fine"], replace(PRESETS["froq"], limit=0.6))
    figure, axes = empty_chart(6, 3.3, (0.75, 0.2, 0.55, 0.2))
    axes.fill_between(found.fractions, found.fnmr, color=LIGHT[0], alpha=0.25, linewidth=0)
    axes.plot(whole.fractions, whole.fnmr, color=LIGHT[0], linewidth=2)
    axes.plot([0, 0.3, 0.3], [found.fnmr[0], found.fnmr[0], 0], color=INK, linewidth=1, linestyle=(0, (4, 3)))
    axes.text(0.305, found.fnmr[0], "a quality that says nothing", color=INK, va="center", fontsize=9)
    axes.text(0.305, found.fnmr[0] * 0.62, f"pAUC = shaded / dashed box\n= {found.area:.2f}", color=INK, fontsize=10)
    _shares(axes, 0.6)
    axes.set_ylim(0, 1.1 * found.fnmr[0])
    _label(axes, DISCARDED, FNMR)
    title = "Error-versus-discard curve; the partial area under it, up to 30 %, is shaded"
    return figure, title, {"area": found.area, "fnmr": _rounded(found.fnmr)}


def conventions() -> Drawn:
    """Draw the same three qualities under each convention."""
    trials, qualities = simulate()
    figure = Figure(figsize=(7.4, 5.6), layout="constrained")
    numbers: dict[str, Any] = {}
    for axes, (name, convention) in zip(figure.subplots(2, 2).flat, PRESETS.items(), strict=True):
        draw = _rank_consistencies if convention.measure == "rce" else _curves
        numbers[name] = draw(axes, trials, qualities, convention)
        axes.set_title(name, loc="left", color=INK, fontsize=11, fontweight="bold")
    return figure, "Three qualities of the same trials under the conventions froq, cr-fiqa, iso and rce", numbers


def _curves(axes: Axes, trials: Trials, qualities: dict[str, Floats], convention: Convention) -> dict[str, float]:
    areas = {}
    for (name, quality), colour in zip(qualities.items(), LIGHT, strict=False):
        found = curve(trials, quality, convention)
        ends = np.append(found.fractions, convention.limit), np.append(found.fnmr, found.fnmr[-1])
        style = "steps-post" if convention.area == "step" else "default"
        axes.plot(*ends, color=colour, drawstyle=style, linewidth=1.6, label=f"{name}: {found.area:.3f}")
        areas[name] = found.area
    _shares(axes, convention.limit)
    axes.set_ylim(0, 1.7 * axes.get_ylim()[1])
    _legend(axes, title="quality: pAUC")
    unit = "the mated trials" if convention.discard == "mated" else "all trials"
    _label(axes, f"discarded share of {unit}", "FNMR")
    return areas


def _rank_consistencies(
    axes: Axes, trials: Trials, qualities: dict[str, Floats], convention: Convention
) -> dict[str, float]:
    values = {name: rank_consistency(trials, quality, FMR, convention.gamma) for name, quality in qualities.items()}
    bars = axes.barh(list(values), list(values.values()), color=LIGHT[: len(values)], height=0.55)
    axes.bar_label(bars, [f"{value:.2f}" for value in values.values()], color=INK, padding=3, fontsize=9)
    axes.axvline(0, color=FAINT, linewidth=0.8)
    axes.set_xlim(-0.45, 1)
    axes.invert_yaxis()
    _label(axes, "rank consistency, higher is better", "")
    return values


def ties() -> Drawn:
    """Draw what becomes of pairs of equal quality."""
    trials, qualities = simulate()
    figure = Figure(figsize=(7.4, 3.1), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    numbers: dict[str, Any] = {"orders": []}
    for kind, colour in (("expected", LIGHT[0]), ("together", LIGHT[1])):
        convention = replace(PRESETS["froq"], ties=kind)  # type: ignore[arg-type]
        found = curve(trials, qualities["coarse"], convention)
        left.plot(found.fractions, found.fnmr, color=colour, linewidth=1.8, label=f"{kind}: pAUC {found.area:.3f}")
        numbers[kind] = found.area
    left.set_ylim(0)
    _shares(left, 0.3)
    _label(left, "discarded share of the mated trials", "FNMR")
    _legend(left)
    for seed in range(20):
        mixed = trials.take(np.random.default_rng(seed).permutation(len(trials.scores)))
        numbers["orders"].append(curve(mixed, qualities["coarse"], PRESETS["cr-fiqa"]).area)
    right.plot(numbers["orders"], range(20), "o", color=LIGHT[2], markersize=4)
    right.set_yticks([])
    right.xaxis.set_major_locator(MaxNLocator(3))
    _label(right, "pAUC by cr-fiqa, ties in order:\nthe same trials in 20 orders", "")
    return figure, "Pairs of equal quality, discarded together, one by one, or in the order of the table", numbers


def discarded() -> Drawn:
    """Draw what the discarded share counts, and whether the threshold is set anew."""
    trials, qualities = simulate()
    shown = {
        "threshold fixed (froq)": replace(PRESETS["froq"], limit=0.9, step=0.05),
        "recomputed, mated trials count": replace(PRESETS["cr-fiqa"], discard="mated", limit=0.9),
        "recomputed, all trials count (cr-fiqa)": replace(PRESETS["cr-fiqa"], limit=0.9),
    }
    figure, axes = empty_chart(6, 3.1, (0.75, 0.2, 0.55, 0.2))
    numbers = {}
    for (name, convention), colour, mark in zip(shown.items(), LIGHT, "os^", strict=False):
        found = curve(trials, qualities["fine"], convention)
        axes.plot(found.fractions, found.fnmr, color=colour, marker=mark, markersize=3.5, linewidth=1.5, label=name)
        numbers[name] = _rounded(found.fnmr)
    _shares(axes, 0.9)
    axes.set_ylim(0)
    _legend(axes)
    _label(axes, "discarded share", FNMR)
    return figure, "The same quality, by what the discarded share counts and whether the threshold is set anew", numbers


FIGURES: dict[str, Callable[[], Drawn]] = {
    "area": area,
    "conventions": conventions,
    "ties": ties,
    "discarded": discarded,
}


def _shares(axes: Axes, limit: float) -> None:
    axes.set_xlim(0, limit * 1.02)
    axes.xaxis.set_major_formatter(lambda share, _: f"{100 * share:.0f} %")


def _legend(axes: Axes, title: str | None = None) -> None:
    legend = axes.legend(
        fontsize=8.5, frameon=False, labelcolor=INK, title=title, title_fontsize=8.5, loc="upper right"
    )
    legend.get_title().set_color(INK)


def _label(axes: Axes, below: str, beside: str) -> None:
    axes.set_xlabel(below, color=INK, fontsize=9)
    axes.set_ylabel(beside, color=INK, fontsize=9)
    axes.tick_params(color=FAINT, labelcolor=INK, labelsize=8.5)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["bottom", "left"]].set_color(FAINT)


def _rounded(values: Floats) -> list[float]:
    return [round(float(value), 6) for value in values]


def draw_all(folder: Path) -> Iterator[Path]:
    """Write every figure, and yield its path."""
    for name, draw in FIGURES.items():
        figure, title, numbers = draw()
        save(figure, folder / f"{name}.svg", title, numbers)
        yield folder / f"{name}.svg"


if __name__ == "__main__":
    for written in draw_all(FOLDER):
        print(written)
