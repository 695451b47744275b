"""How often an original scores above its degraded version, by kind of degradation and severity.

    python benchmarks/discrimination.py --shared DIR

Each network is calibrated on the calibration set in DIR first. edgeface_xxs and mobilefacenet then score the crops in
`faces/` and `faces_degraded/`; dlib_resnet29 scores the faces in every fourth of `photos/`, and the same chips degraded
by `froq_lightning.data.degradations` with severities drawn by a seed. Prints a table in Markdown for each.
"""

import argparse
import csv
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch

from froq_lightning.backbones.registry import create_aligner
from froq_lightning.cli import main as froq
from froq_lightning.data.degradations import KINDS
from froq_lightning.data.images import read_image
from froq_lightning.scorer import QualityScorer

EDGES = (0.0, 0.3, 0.6, 1.01)
BINS = ("< 0.3", "0.3 .. 0.6", "> 0.6")
Outcome = tuple[str, float, bool]


def crops(model: list[str], shared: Path, folder: Path) -> list[Outcome]:
    """Compare `faces/` with `faces_degraded/`."""
    scores = {}
    for source in ("faces", "faces_degraded"):
        output = folder / f"{source}.csv"
        observer = f"--model.observer={folder / 'observer.json'}"
        _run("predict", *model, observer, f"--data.source={shared / 'data' / source}", f"--output={output}")
        scores[source] = {row["image"]: float(row["quality_score"]) for row in _rows(output)}
    return [
        (row["kind"], float(row["severity"]), scores["faces"][row["image"]] > scores["faces_degraded"][row["image"]])
        for row in _rows(shared / "data" / "degradations.csv")
    ]


def photographs(observer: Path, shared: Path) -> list[Outcome]:
    """Compare the chips of every fourth photograph in `photos/` with degraded versions of them."""
    scorer = QualityScorer.from_observer(observer)
    preprocessing = scorer.backbone.preprocessing
    aligner = create_aligner("dlib", preprocessing.alignment, preprocessing.size)
    outcomes: list[Outcome] = []
    for index, path in enumerate(sorted((shared / "data" / "photos").glob("*/*.jpg"))[::4]):
        face = aligner(read_image(path)[0])
        if face is None:
            continue
        draw = np.random.default_rng(index)
        chip = torch.from_numpy(face.image.copy()).permute(2, 0, 1)
        severities = {kind: float(draw.uniform(0.05, 1)) for kind in KINDS}
        degraded = [
            KINDS[kind](chip, severity, torch.Generator().manual_seed(index)) for kind, severity in severities.items()
        ]
        original, *scores = scorer(torch.stack([chip, *degraded])).quality_score.tolist()
        outcomes += [(kind, severities[kind], original > score) for kind, score in zip(KINDS, scores, strict=True)]
    return outcomes


def table(outcomes: list[Outcome]) -> str:
    """Lay out the shares by kind and severity."""
    cells: dict[tuple[str, int], list[bool]] = defaultdict(list)
    for kind, severity, above in outcomes:
        column = int(np.digitize(severity, EDGES)) - 1
        for row in (kind, "all"):
            cells[row, column].append(above)
    lines = [f"| degradation | {' | '.join(BINS)} |", "|---|---|---|---|"]
    for kind in [*sorted({kind for kind, _ in cells} - {"all"}), "all"]:
        values = [cells[kind, column] for column in range(len(BINS))]
        lines.append(f"| {kind} | " + " | ".join(f"{np.mean(v):.3f} ({len(v)})" if v else "-" for v in values) + " |")
    return "\n".join(lines)


def _run(*arguments: str) -> None:
    if froq([*arguments, "--trainer.enable_progress_bar=false"]) != 0:
        raise SystemExit(1)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def main() -> None:
    """Run all networks and presets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--preset", nargs="*", default=["paper", "distinct"])
    parser.add_argument("--network", nargs="*", default=["edgeface_xxs", "mobilefacenet", "dlib_resnet29"])
    parsed = parser.parse_args()
    weights = parsed.shared / "data" / "weights"
    options = {
        "edgeface_xxs": f"{{architecture: edgenext_xx_small, weights: {weights / 'edgeface_xxs.safetensors'}}}",
        "mobilefacenet": f"{{weights: {weights / 'mobilefacenet_casia.ckpt'}}}",
        "dlib_resnet29": "{}",
    }
    for network in parsed.network:
        with tempfile.TemporaryDirectory() as name:
            folder, labels = Path(name), Path(name, "labels.csv")
            backbone = "timm" if network == "edgeface_xxs" else network
            model = [f"--model.backbone={backbone}", f"--model.backbone_options={options[network]}"]
            photos = network == "dlib_resnet29"
            source = "calibration_photos" if photos else "calibration"
            data = [f"--data.source={parsed.shared / 'data' / source}"]
            data += ["--data.aligner=dlib", "--data.degrade.share=0.5"] if photos else []
            for preset in parsed.preset:
                observer = folder / "observer.json"
                given = [f"--data.labels={labels}"] if labels.exists() else []
                made = [f"--model.preset={preset}", "--model.labeller=perturbation", f"--output={observer}"]
                _run("validate", *model, *data, *given, *made)
                observer.with_suffix(".images.csv").replace(labels)
                outcomes = photographs(observer, parsed.shared) if photos else crops(model, parsed.shared, folder)
                print(f"\n### {network}, preset {preset}\n\n{table(outcomes)}\n", flush=True)


if __name__ == "__main__":
    main()
