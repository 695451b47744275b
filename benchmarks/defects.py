"""Are the right defects named, and for other subjects than those that the constants are fitted on?

    python benchmarks/defects.py --shared DIR          # the tables, of the subjects held out
    python benchmarks/defects.py --shared DIR --fit    # fits anew before, and writes froq_lightning/defects/weights.py

Constants are fitted on the subjects whose name has an even SHA-256.
"""

import argparse
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from defect_fit import fit
from defect_images import DEFECT_OF, Example, examples
from networks import networks, some
from passes import calibrated
from stopwatch import ratio, timed

import froq_lightning.defects.weights as written
from froq_lightning import QualityScorer
from froq_lightning.defects.components import components
from froq_lightning.defects.defects import defects
from froq_lightning.defects.degradations import degradations

Weights = Mapping[str, Mapping[str, float]]
# Severity in `faces_degraded/` above which a defect must be named.
SEVERE = 0.6
RUNS = 15


def main() -> None:
    """Fit, perhaps, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, required=True, help="folder with data/faces and data/weights")
    parser.add_argument("--fit", action="store_true", help="whether to fit the constants anew")
    arguments = parser.parse_args()
    measured = list(examples(arguments.shared / "data"))
    weights: Weights = fit(measured) if arguments.fit else written.WEIGHTS
    if arguments.fit:
        write(Path(written.__file__), weights)
    held_out = [each for each in measured if not each.is_for_fitting]
    print_confusion(held_out, weights)
    print_groups(held_out, weights)
    print_photographs(arguments.shared)
    print_cost(arguments.shared)


def named(example: Example, weights: Weights) -> tuple[str, ...]:
    """Return the defects of an example, without those that only a photograph shows."""
    return defects(degradations(example.measurements, weights))


def print_confusion(measured: Sequence[Example], weights: Weights) -> None:
    """Print which defect is named first for the images that are severely degraded in one way, and for clean ones."""
    columns = [*DEFECT_OF.values(), "none"]
    print(f"| degraded by | images | {' | '.join(columns)} | among the named |\n|{'---|' * (len(columns) + 3)}")
    for kind, defect in [*DEFECT_OF.items(), ("mixed", ""), ("clean", "none")]:
        group = "faces" if kind == "clean" else "faces_degraded"
        images = [
            named(each, weights)
            for each in measured
            if each.group == group and (kind == "clean" or (each.kinds == (kind,) and each.severity > SEVERE))
        ]
        first = Counter(names[0] if names else "none" for names in images)
        shares = " | ".join(f"{100 * first[column] / len(images):.1f}" for column in columns)
        among = f"{100 * np.mean([defect in names for names in images]):.1f}" if kind in DEFECT_OF else ""
        print(f"| {kind} | {len(images)} | {shares} | {among} |")


def print_groups(measured: Sequence[Example], weights: Weights) -> None:
    """Print, for every group of images, for how many each of their defects is named, and any other."""
    print("\n| images | number | all of theirs named | another one named | any named |\n|---|---|---|---|---|")
    for group in dict.fromkeys(each.group for each in measured):
        images = [each for each in measured if each.group == group and each.kinds != ("mixed",)]
        right, other, some_named = [], [], []
        for each in images:
            names, true = set(named(each, weights)), {DEFECT_OF[kind] for kind in each.kinds}
            right.append(true <= names)
            other.append(bool(names - true))
            some_named.append(bool(names))
        shares = [f"{100 * np.mean(each):.1f}" for each in (right, other, some_named)]
        print(f"| {group} | {len(images)} | {' | '.join(shares)} |")


def print_photographs(shared: Path) -> None:
    """Print how often there is each defect in undegraded photographs, through the aligner of dlib."""
    paths = [str(path) for path in sorted((shared / "data" / "photos").glob("*/*.jpg"))[::3]]
    scorer = QualityScorer.from_pretrained("dlib_resnet29", aligner="dlib")
    rows = [row for row in scorer(paths, reasons=True) if row.status == "ok"]
    counts = Counter(defect for row in rows for defect in row.defects)
    counts["none"] = sum(not row.defects for row in rows)
    listed = ", ".join(f"{name} {number}" for name, number in counts.most_common())
    print(f"\nOf {len(paths)} photographs, {len(rows)} show a face: {listed}")


def print_cost(shared: Path) -> None:
    """Print what measuring takes, in passes that score and embed the same crops."""
    print("\n| network | measuring / pass |\n|---|---|")
    for name in ("edgeface_xxs", "mobilefacenet", "dlib_resnet29"):
        network = networks(shared)[name]
        module = network.laid_out()
        images = some(shared, module, 64)
        scorer = QualityScorer(module.backbone, calibrated(network, images, "cpu")[0])
        crops = [image.permute(1, 2, 0).contiguous().numpy() for image in images]
        score = partial(scorer, images, embeddings=True)
        measuring, scoring = timed(partial(measure_all, crops), score, runs=RUNS)
        milliseconds = 1000 * float(np.median(measuring)) / len(crops)
        print(f"| {name} | {ratio(measuring, scoring):.3f} ({milliseconds:.2f} ms an image) |", flush=True)


def measure_all(crops: Sequence[np.ndarray]) -> None:
    """Measure all components of some crops."""
    for crop in crops:
        components(crop)


def write(path: Path, weights: Weights) -> None:
    """Write the module that holds the constants."""
    lines = path.read_text(encoding="utf-8").partition("WEIGHTS")[0].splitlines()
    lines.append("WEIGHTS: Mapping[str, Mapping[str, float]] = {")
    for component, values in weights.items():
        lines += [f'    "{component}": {{', *(f'        "{name}": {value:.5g},' for name, value in values.items())]
        lines.append("    },")
    path.write_text("\n".join([*lines, "}", ""]), encoding="utf-8")


if __name__ == "__main__":
    main()
