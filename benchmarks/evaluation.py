"""How well each quality method foretells recognition errors, and what evaluating a million comparisons takes.

    python benchmarks/evaluation.py --shared DIR [--only methods|comparisons] [--network NAME ...] [--folder DIR]

`methods` calibrates each network on the calibration set in DIR in three ways, and compares every method on the
cross-quality trials by one command, `froq test`, which it prints. On mobilefacenet, the methods of most passes are left
out. Prints a table in Markdown of pAUC by the `froq` convention with 95 % intervals by subject, and of the time per
image as a multiple of the bare forward pass in the same run. In a `--folder`, a run that was ended goes on.
`comparisons` runs `froq test` on 10,000 and on 1,000,000 comparison trials between the same images and tells its peak
memory; and it sets comparing a chunk at a time against the naive procedure, which gathers the embeddings of all pairs.
"""

import argparse
import csv
import json
import resource
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from networks import networks
from peak_memory import froq

from froq_lightning.evaluation.comparisons import compare

METHODS = (
    "froq",
    "{method: froq, label: 'froq, distinct', observer: %(folder)s/distinct.json}",
    "{method: froq, label: 'froq, paper', observer: %(folder)s/paper.json}",
    *("flip", "{method: perturbation, noise: 0, occlusion: 4}", "{method: ser_fiq, rate: 0.5}", "grafiqs"),
    *("{method: grafiqs, depth: 1}", "prefiqs", "{method: prefiqs, share: 0.2}", "attn_fiqa", "vitnt_fiqa"),
    *(
        "embedding_norm",
        "network_quality",
        "{method: pyiqa, metric: piqe}",
        "{method: pyiqa, metric: entropy}",
        "random",
    ),
)
SLOW = {"edgeface_xxs": ("perturbation", "face_qan")}
NETWORKS = ("edgeface_xxs", "mobilefacenet")
SAMPLES = 200
Row = dict[str, str]


def read(path: Path) -> list[Row]:
    """Read a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write_pairs(path: Path, rows: Sequence[Row], data: Path) -> None:
    """Write comparison trials with absolute paths."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["image_a", "image_b", "mated"])
        writer.writerows([data / row["image_a"], data / row["image_b"], row["mated"]] for row in rows)


def calibrated(model: list[str], shared: Path, folder: Path) -> None:
    """Calibrate as by default, and in two ways with the published labels, unless that was done before."""
    source = f"--data.source={shared / 'data/calibration'}"
    labels = f"--data.labels={folder / 'paper.images.csv'}"
    ways = {
        "observer": [],
        "paper": ["--model.preset=paper", "--model.labeller=perturbation"],
        "distinct": ["--model.preset=distinct", labels],
    }
    for name, options in ways.items():
        if not (folder / f"{name}.json").exists():
            froq("validate", *model, source, *options, f"--output={folder / name}.json", "--report=false")


def method_table(shared: Path, names: Sequence[str], folder: Path) -> None:
    """Print the pAUC and the cost of every method."""
    for name in names:
        model, place = networks(shared)[name].arguments(), folder / name
        place.mkdir(parents=True, exist_ok=True)
        calibrated(model, shared, place)
        methods = ", ".join((*METHODS, *SLOW.get(name, ()))) % {"folder": place}
        arguments = [
            *("test", *model, f"--model.observer={place}/observer.json", f"--model.methods=[{methods}]"),
            *("--model.metrics.conventions=[froq]", f"--model.metrics.bootstrap={SAMPLES}"),
            *(f"--data.source={shared / 'data/pairs_cross_quality.csv'}", f"--output={place}/results.csv"),
        ]
        print(f"\n{name}: froq {shlex.join(arguments)}\n", flush=True)
        froq(*arguments)
        print("\n".join(markdown(place / "results.csv")), flush=True)


def markdown(results: Path) -> Iterator[str]:
    """Lay the results of one run out as a table."""
    content = json.loads(results.with_suffix(".json").read_text(encoding="utf-8"))
    times = {row["method"]: row["times_bare_pass"] for row in read(results.with_suffix(".times.csv"))}
    rates = content["fmr"]
    yield f"| method | {' | '.join(f'FMR {rate:g} | 95 %' for rate in rates)} | times the bare pass |"
    yield "|---" * (2 * len(rates) + 2) + "|"
    values = {(row["method"], row["fmr"]): row for row in (*content["results"], *content["oracles"])}
    for method in content["methods"]:
        if method["refusal"]:
            yield f"| {method['name']} | {' | '.join([''] * 2 * len(rates))} | {method['refusal']} |"
            continue
        cells = [cell for rate in rates for cell in _cells(values[method["name"], rate])]
        yield f"| {method['name']} | {' | '.join(cells)} | {float(times[method['name']]):.2f} |"
    for oracle in dict.fromkeys(row["method"] for row in content["oracles"]):
        cells = [cell for rate in rates for cell in _cells(values[oracle, rate])]
        yield f"| oracle: {oracle} | {' | '.join(cells)} | |"


def _cells(row: dict[str, Any]) -> tuple[str, str]:
    interval = "" if row["low"] is None else f"{row['low']:.3f} to {row['high']:.3f}"
    return f"{row['value']:.3f}", interval


def comparison_table(shared: Path) -> None:
    """Print memory and time of 10,000 and of 1,000,000 comparison trials."""
    faces = sorted((shared / "data" / "faces").glob("*/*.jpg"))
    model = networks(shared)["edgeface_xxs"].arguments()
    print("\n| trials | peak MB of `froq test` |\n|---|---|", flush=True)
    for count in (10_000, 1_000_000):
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder, "pairs.csv")
            write_pairs(source, list(drawn_trials(faces, count)), Path())
            methods = "--model.methods=[embedding_norm, random]"
            peak = froq("test", *model, methods, f"--data.source={source}", f"--output={folder}/results.csv")
        print(f"| {count:,} | {peak:.0f} |", flush=True)
    chunked, gathered = (measured(mode) for mode in ("chunked", "gathered"))
    print("\n| 1,000,000 comparisons of 512 components | seconds | MB on top |\n|---|---|---|")
    for title, (seconds, memory) in (("a chunk at a time", chunked), ("all pairs gathered", gathered)):
        print(f"| {title} | {seconds:.2f} | {memory:.0f} |", flush=True)


def drawn_trials(faces: Sequence[Path], count: int) -> Iterator[Row]:
    """Draw trials between images, the same ones each time."""
    pairs = np.random.default_rng(0).integers(len(faces), size=(count, 2))
    for one, other in pairs.tolist():
        a, b = faces[one], faces[other]
        yield {"image_a": str(a), "image_b": str(b), "mated": str(int(a.parent == b.parent))}


def measured(mode: str) -> tuple[float, float]:
    """Seconds and additional peak memory in MB of one way to compare, in a process of its own."""
    run = [sys.executable, __file__, "--shared", ".", "--only", mode]
    seconds, memory = subprocess.run(run, check=True, capture_output=True, text=True).stdout.split()
    return float(seconds), float(memory)


def compare_alone(mode: str) -> None:
    """Compare random embeddings and print seconds and additional peak memory."""
    generator = np.random.default_rng(0)
    embeddings = generator.standard_normal((3000, 512), dtype=np.float32)
    first, second = generator.integers(3000, size=(2, 1_000_000)).astype(np.int32)
    way = compare if mode == "chunked" else gathered_comparison
    way(embeddings, first[:10], second[:10])
    before, start = peak(), time.perf_counter()
    way(embeddings, first, second)
    print(time.perf_counter() - start, peak() - before)


def gathered_comparison(
    embeddings: npt.NDArray[np.float32], first: npt.NDArray[np.int32], second: npt.NDArray[np.int32]
) -> npt.NDArray[np.float32]:
    """Compare as scripts do: normalise, gather both sides of all pairs, multiply, sum."""
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    scores: npt.NDArray[np.float32] = np.sum(unit[first] * unit[second], axis=1)
    return scores


def peak() -> float:
    """Peak resident memory of this process in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--only", choices=["methods", "comparisons", "chunked", "gathered"])
    parser.add_argument("--network", nargs="*", choices=NETWORKS, default=NETWORKS)
    parser.add_argument("--folder", type=Path, help="for Observers and results; by default they are dropped")
    parsed = parser.parse_args()
    shared = parsed.shared.resolve()
    if parsed.only in ("chunked", "gathered"):
        compare_alone(parsed.only)
        return
    if parsed.only != "comparisons":
        with tempfile.TemporaryDirectory() as temporary:
            method_table(shared, parsed.network, parsed.folder or Path(temporary))
    if parsed.only != "methods":
        comparison_table(shared)


if __name__ == "__main__":
    main()
