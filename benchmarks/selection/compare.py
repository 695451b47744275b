"""Compare labels and rules of selection: how well do the scores foretell the errors of other subjects?

    python benchmarks/selection/compare.py --shared DIR --tables FOLDER [--part choose|report] [--draws 20]

What networks show of the images is tabled once in FOLDER (an hour a network on one core, most of it for labels and
methods of many passes); every comparison then takes minutes. What was decided was decided with `--part choose`, on
subjects that take no part in `--part report`.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from bench import Bench
from report import (
    BASE,
    DEFAULT,
    SIZES,
    Floats,
    Results,
    print_bars,
    print_cells,
    print_conventions,
    print_kinds,
    print_methods,
    print_table,
)
from tables import Faces, make_tables, options
from trials import mean_pauc

COMBINATIONS = (
    *(f"published / {rule}" for rule in ("paper", "distinct", "bagged", "broad", "ridge")),
    "own copy / ridge",
    *(f"pseudo_mated / {rule}" for rule in ("paper", "distinct", "broad", "ridge")),
    *(f"mated / {rule}" for rule in ("paper", "distinct", "bagged", "broad", "ridge")),
)
# Sets of other subjects, one image each, every second one degraded already: how calibration sets often are.
FOLDER = (BASE, "published / distinct", DEFAULT)


def compared(bench: Bench, draws: int) -> Iterator[tuple[str, int, list[Floats]]]:
    """Yield the qualities of every combination and size, one for each draw."""
    for size in SIZES:
        for combination in COMBINATIONS:
            yield (
                combination,
                size,
                [bench.quality(combination, bench.draw(combination, size, d)) for d in range(draws)],
            )
        for combination in FOLDER:
            times = draws if size < len(bench.tables["calibration"]["norms"]) else 1
            qualities = [bench.quality(combination, bench.folder_draw(combination, size, d)) for d in range(times)]
            yield f"folder: {combination}", size, qualities
    everyone = np.unique(bench.faces.subjects[bench.pool])
    for combination in (combination for combination in COMBINATIONS if combination.startswith("mated")):
        chosen = [np.random.default_rng(d).permutation(everyone)[:200] for d in range(draws)]
        yield (
            f"200 subjects: {combination}",
            0,
            [bench.quality(combination, bench.of_subjects(each)) for each in chosen],
        )


def by_size(bench: Bench, draws: int) -> dict[tuple[str, int], tuple[list[Floats], Floats]]:
    """Qualities and mean pAUC of every draw, by combination and size."""
    trials = bench.trials()
    return {
        (combination, size): (qualities, np.array([mean_pauc(quality, trials) for quality in qualities]))
        for combination, size, qualities in compared(bench, draws)
    }


def main() -> None:
    """Table, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--tables", type=Path, required=True)
    parser.add_argument("--part", choices=["choose", "report"], default="choose")
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--network", nargs="*")
    parser.add_argument("--only", choices=["tables", "compare"])
    parsed = parser.parse_args()
    names = parsed.network or list(options(parsed.shared))
    if parsed.only != "compare":
        for name in names:
            make_tables(parsed.shared, parsed.tables, name)
    if parsed.only == "tables":
        return
    faces = Faces.of(parsed.shared)
    benches = [Bench.read(parsed.tables, name, faces, parsed.part) for name in names]
    results: Results = {bench.name: by_size(bench, parsed.draws) for bench in benches}
    print_table(results)
    print_bars(results, benches)
    print_cells(benches, results)
    print_conventions(benches, results)
    print_kinds(parsed.shared, benches, results)
    if parsed.part == "report":
        print_methods(parsed.tables, benches, results)


if __name__ == "__main__":
    main()
