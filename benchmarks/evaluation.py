"""How well each quality method foretells recognition errors, and what evaluating a million comparisons takes.

    python benchmarks/evaluation.py --shared DIR [--only methods|comparisons] [--network NAME ...] [--subjects 100]

`methods` calibrates each network on the calibration set in DIR and runs `froq test` on its comparison trials: the quick
methods on all trials, every method on the mated trials of the first `--subjects` subjects and 10,000 non-mated ones
between the same images. Prints a table in Markdown of pAUC by the `froq` convention, and of the time per image as a
multiple of the bare forward pass in the same run.
`comparisons` runs `froq test` on 10,000 and on 1,000,000 comparison trials between the same images and tells its peak
memory; and it sets comparing a chunk at a time against the naive procedure, which gathers the embeddings of all pairs.
"""

import argparse
import csv
import json
import resource
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

QUICK = (
    *("froq", "embedding_norm", "network_quality", "{method: ser_fiq, rate: 0.5}", "grafiqs", "flip", "prefiqs"),
    *("{method: prefiqs, per: network}", "{method: prefiqs, share: 0.2}", "random"),
)
SLOW = ("perturbation", "face_qan")
SETS = {"mobilefacenet": ("pairs_cross_quality", "pairs"), "edgeface_xxs": ("pairs_cross_quality",)}
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


def among(rows: Sequence[Row], subjects: int) -> list[Row]:
    """Keep the mated trials of the first subjects, by name, and draw 10,000 non-mated ones between their images."""
    mated = [row for row in rows if row["mated"] == "1"]
    kept = set(sorted({subject(row["image_a"]) for row in mated})[:subjects])
    mated = [row for row in mated if subject(row["image_a"]) in kept]
    draws = np.random.default_rng(0).permutation(len(mated) ** 2)
    pairs = ((mated[draw // len(mated)]["image_a"], mated[draw % len(mated)]["image_b"]) for draw in draws.tolist())
    non_mated = {pair: None for pair in pairs if subject(pair[0]) != subject(pair[1])}
    drawn = [{"image_a": one, "image_b": other, "mated": "0"} for one, other in list(non_mated)[:10_000]]
    return [*mated, *drawn]


def subject(image: str) -> str:
    """Name of the folder that an image lies in."""
    return Path(image).parent.name


def evaluated(model: list[str], methods: Sequence[str], sources: list[Path], folder: Path) -> dict[str, Any]:
    """Run `froq test` and return what it wrote, with `times`: of every method, in bare passes."""
    output = folder / "results.csv"
    froq(
        "test",
        *model,
        f"--model.observer={folder / 'observer.json'}",
        f"--model.methods=[{', '.join(methods)}]",
        "--model.metrics.conventions=[froq]",
        f"--data.source=[{', '.join(map(str, sources))}]",
        f"--output={output}",
        "--report=false",
    )
    content: dict[str, Any] = json.loads(output.with_suffix(".json").read_text(encoding="utf-8"))
    return content | {"times": {row["method"]: row["times_bare_pass"] for row in read(folder / "results.times.csv")}}


def method_table(shared: Path, names: Sequence[str], subjects: int) -> None:
    """Print the pAUC and the cost of every method."""
    for name in names:
        model = networks(shared)[name].arguments()
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            published = ["--model.preset=paper", "--model.labeller=perturbation"]
            calibration = [f"--data.source={shared / 'data/calibration'}", f"--output={folder}/observer.json"]
            froq("validate", *model, *published, *calibration)
            roots = {"pairs": shared / "data" / "faces", "pairs_cross_quality": shared / "data"}
            for methods, few in ((QUICK, 0), ((*QUICK, *SLOW), subjects)):
                sources = []
                for title in SETS[name][:1] if few else SETS[name]:
                    rows = read(shared / "data" / f"{title}.csv")
                    sources.append(folder / f"{title}.csv")
                    write_pairs(sources[-1], among(rows, few) if few else rows, roots[title])
                print(f"\n{name}, {f'{few} subjects' if few else 'all trials'}\n")
                print("\n".join(markdown(evaluated(model, methods, sources, folder))), flush=True)


def markdown(content: dict[str, Any]) -> Iterator[str]:
    """Lay the results of one run out as a table."""
    sets, rates = [one["name"] for one in content["sets"]], content["fmr"]
    columns = [f"{data_set} {rate:g}" for data_set in sets for rate in rates]
    yield f"| method | {' | '.join(columns)} | times the bare pass |"
    yield "|---" * (len(columns) + 2) + "|"
    values = {(row["data_set"], row["method"], row["fmr"]): row["value"] for row in content["results"]}
    for method in content["methods"]:
        if method["refusal"]:
            yield f"| {method['name']} | {' | '.join(['-'] * len(columns))} | {method['refusal']} |"
            continue
        cells = [f"{values[data_set, method['name'], rate]:.3f}" for data_set in sets for rate in rates]
        cost = float(content["times"][method["name"]])
        yield f"| {method['name']} | {' | '.join(cells)} | {cost:.2f} |"


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
    parser.add_argument("--network", nargs="*", choices=list(SETS), default=list(SETS))
    parser.add_argument("--subjects", type=int, default=100)
    parsed = parser.parse_args()
    shared = parsed.shared.resolve()
    if parsed.only in ("chunked", "gathered"):
        compare_alone(parsed.only)
        return
    if parsed.only != "comparisons":
        method_table(shared, parsed.network, parsed.subjects)
    if parsed.only != "methods":
        comparison_table(shared)


if __name__ == "__main__":
    main()
