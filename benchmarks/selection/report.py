"""What a comparison found, as tables in Markdown."""

import csv
from pathlib import Path

import numpy as np
import numpy.typing as npt
from bench import Bench
from tables import METHODS
from trials import bootstrapped, mean_pauc, pauc

from froq_lightning.evaluation.evaluate import MetricOptions, evaluate

Floats = npt.NDArray[np.float64]
# By network, by combination and size: the qualities of every draw, and their mean pAUC.
Results = dict[str, dict[tuple[str, int], tuple[list[Floats], Floats]]]
SIZES = (120, 240, 360)
BASE, DEFAULT, WITH_SUBJECTS = "published / paper", "pseudo_mated / ridge", "mated / ridge"
STRONG = 0.6


def print_table(results: Results) -> None:
    """Print mean and spread over the draws, in Markdown."""
    print(f"| photographs | labels and rule | {' | '.join(results)} |\n|---|---|{'---|' * len(results)}")
    for key in next(iter(results.values())):
        figures = [f"{one[key][1].mean():.3f} ± {one[key][1].std():.3f}" for one in results.values()]
        print(f"| {key[1] or 'all'} | {key[0]} | {' | '.join(figures)} |")


def print_bars(results: Results, benches: list[Bench]) -> None:
    """Print the change against the published labels and rule, with intervals by bootstrap of the subjects."""
    print(
        "\n| default | against | "
        + " | ".join(results)
        + " | mean | 95 % interval of the mean |\n"
        + "|---" * (len(results) + 4)
        + "|"
    )
    rows = [
        *(((DEFAULT, size), (BASE, size)) for size in SIZES),
        *(((f"folder: {DEFAULT}", size), (f"folder: {BASE}", size)) for size in SIZES),
        *((("200 subjects: " + WITH_SUBJECTS, 0), (BASE, size)) for size in SIZES),
    ]
    for ours, theirs in rows:
        changes, samples = [], []
        for bench, one in zip(benches, results.values(), strict=True):
            first, second = one[ours][0], one[theirs][0]
            changes.append(one[ours][1].mean() / one[theirs][1].mean() - 1)
            drawn = bootstrapped([*first, *second], bench.trials(), 200)
            samples.append(drawn[:, : len(first)].mean(axis=1) / drawn[:, len(first) :].mean(axis=1) - 1)
        low, high = np.quantile(np.mean(samples, axis=0), [0.025, 0.975])
        told = " | ".join(f"{change:+.1%}" for change in (*changes, np.mean(changes)))
        print(f"| {ours[0]}, {ours[1] or 'all'} | {theirs[0]}, {theirs[1]} | {told} | {low:+.1%} to {high:+.1%} |")


def print_kinds(shared: Path, benches: list[Bench], results: Results) -> None:
    """Print the share of originals that score above their degraded versions, for severities above 0.6, by kind."""
    with (shared / "data" / "degradations.csv").open(newline="") as file:
        rows = {row["image"]: row for row in csv.DictReader(file)}
    print("\n| degradation | " + " | ".join(f"{bench.name}: paper / ridge" for bench in benches) + " |")
    print("|---" * (2 * len(benches) + 1) + "|")
    kinds = sorted({row["kind"] for row in rows.values()})
    for kind in (*kinds, "all"):
        told = []
        for bench in benches:
            chosen = [
                place
                for place, name in enumerate(bench.faces.names)
                if bench.found[place]
                and bench.faces.part[place] == bench.part
                and float(rows[name]["severity"]) > 0.6
                and kind in {"all", rows[name]["kind"]}
            ]
            for combination in (BASE, DEFAULT):
                qualities = results[bench.name][combination, 240][0]
                half = len(bench.faces.names)
                above = [np.mean(quality[chosen] > quality[np.array(chosen) + half]) for quality in qualities]
                told.append(f"{np.mean(above):.3f}")
        print(f"| {kind} | {' | '.join(told)} |")


def print_cells(benches: list[Bench], results: Results) -> None:
    """Print the figures of single kinds of trials and FMRs, with the errors that they rest on."""
    print(
        "\n| network | trials | FMR | errors of trials | "
        + " | ".join((BASE, DEFAULT, WITH_SUBJECTS))
        + " |\n"
        + "|---" * 7
        + "|"
    )
    for bench in benches:
        for cell in bench.trials():
            shown = [results[bench.name][key, 240][0] for key in (BASE, DEFAULT, WITH_SUBJECTS)]
            figures = " | ".join(f"{np.mean([pauc(quality, cell) for quality in each]):.3f}" for each in shown)
            print(
                f"| {bench.name} | {cell.kind} | {cell.fmr:g} | {cell.failed.sum()} of {len(cell.failed)} | {figures} |"
            )


def print_methods(folder: Path, benches: list[Bench], results: Results) -> None:
    """Compare with the other methods, on the subjects that they were run on."""
    labels = [" ".join(str(value) for value in spec.values()) for spec in METHODS]
    figures: dict[str, list[float]] = {}
    for bench in benches:
        scores = {
            label: np.concatenate(
                [np.load(folder / f"{bench.name}.{part}.{label}.npz")["scores"] for part in ("clean", "degraded")]
            )
            for label in labels
        }
        known = np.isfinite(scores["embedding_norm"][: len(bench.faces.names)]) & bench.found
        trials = bench.trials(np.flatnonzero(known))
        for combination in (DEFAULT, WITH_SUBJECTS, BASE):
            qualities = results[bench.name][combination, 240][0]
            figures.setdefault(combination, []).append(
                float(np.mean([mean_pauc(quality, trials) for quality in qualities]))
            )
        for label, score in scores.items():
            usable = bool(np.isfinite(score).any())
            figures.setdefault(label, []).append(mean_pauc(score, trials) if usable else float("nan"))
    print(f"\n| method | {' | '.join(bench.name for bench in benches)} | mean |\n" + "|---" * (len(benches) + 2) + "|")
    for label, each in figures.items():
        print(f"| {label} | {' | '.join(f'{value:.3f}' for value in each)} | {np.mean(each):.3f} |")


def print_conventions(benches: list[Bench], results: Results) -> None:
    """Print the figures of all conventions, clean against degraded images at FMR 1e-3, means over the draws."""
    figures = MetricOptions(conventions=("froq", "cr-fiqa", "iso", "rce"), fmr=(1e-3,))
    print("\n| network | labels and rule | froq | cr-fiqa | iso | rce (higher is better) |\n" + "|---" * 6 + "|")
    for bench in benches:
        trials = bench.cross_trials()
        shown = {key: np.stack(results[bench.name][key, 240][0], axis=1) for key in (BASE, DEFAULT, WITH_SUBJECTS)}
        found = {(each.method, each.convention): each.value for each in evaluate("cross", trials, shown, figures)}
        for key in shown:
            values = " | ".join(f"{found[key, name]:.4f}" for name in ("froq", "cr-fiqa", "iso", "rce"))
            print(f"| {bench.name} | {key} | {values} |")
