"""Costs as bars."""

from pathlib import Path

from matplotlib.figure import Figure

# By network and by what is measured, in bare forward passes.
Plotted = dict[str, dict[str, float]]


def draw(plotted: Plotted, path: Path) -> None:
    """Draw every cost as a bar, in multiples of the bare pass."""
    bars = [(f"{network}: {what}", cost) for network, costs in plotted.items() for what, cost in costs.items()]
    figure = Figure(figsize=(8, 0.34 * len(bars) + 1), layout="constrained")
    axes = figure.subplots()
    colours = ["#0072b2" if "FROQ" in name else "#8c95a3" for name, _ in bars]
    drawn = axes.barh([name for name, _ in bars], [cost for _, cost in bars], color=colours)
    axes.bar_label(drawn, [f"{cost:.2f}" if cost < 10 else f"{cost:.0f}" for _, cost in bars], padding=3)
    axes.axvline(1, color="#1a2332", linewidth=1)
    axes.set_xscale("log")
    axes.set_xlim(0.3, 1.6 * max(cost for _, cost in bars))
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel("forward passes per image, log scale")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)
