"""The faces and their degraded versions as a network scores and embeds them, and two halves of their subjects."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from networks import Network, networks

from froq_lightning.cli import main as froq
from froq_lightning.data.comparison_set import numbered
from froq_lightning.data.embedding_files import read_embeddings
from froq_lightning.data.subject_names import subject_of_path
from froq_lightning.evaluation.comparisons import Floats, Integers
from froq_lightning.formats.format import read_rows

Sets = dict[str, "Faces"]  # faces, faces_degraded


@dataclass(frozen=True)
class Faces:
    """N images: unit embeddings `[N, D]`, quality 0..100 and raw scores `[N]`, and the number of their subjects."""

    units: Floats
    quality: Floats
    scores: Floats
    subjects: Integers

    def take(self, places: Integers) -> "Faces":
        """Keep some images."""
        return Faces(self.units[places], self.quality[places], self.scores[places], numbered(self.subjects[places]))

    def mixed(self, other: "Faces", seed: int) -> "Faces":
        """Take half of the images from another set of the same ones."""
        theirs = np.random.default_rng(seed).random(len(self.subjects)) < 0.5
        pairs = ((self.units, other.units), (self.quality, other.quality), (self.scores, other.scores))
        units, quality, scores = (np.where(theirs if a.ndim == 1 else theirs[:, None], b, a) for a, b in pairs)
        return Faces(units, quality, scores, self.subjects)


def scored_sets(shared: Path, names: list[str]) -> dict[str, Sets]:
    """Calibrate networks, and score and embed both sets of faces with each."""
    all_sets = {}
    for name in names:
        with TemporaryDirectory() as folder:
            all_sets[name] = _scored(networks(shared)[name], shared, Path(folder))
    return all_sets


def _scored(network: Network, shared: Path, folder: Path) -> Sets:
    """Calibrate a network; score and embed the faces and their degraded versions."""
    data, observer = shared / "data", folder / "observer.json"
    _run(
        "validate",
        *network.arguments(),
        f"--data.source={data / 'calibration'}",
        f"--output={observer}",
        "--report=false",
    )
    sets = {}
    for name in ("faces", "faces_degraded"):
        outputs = folder / f"{name}.csv", folder / f"{name}.npy"
        given = f"--model.observer={observer}", f"--data.source={data / name}"
        _run("predict", *network.arguments(), *given, f"--output={outputs[0]}", f"--embeddings={outputs[1]}")
        rows, vectors = read_rows(outputs[0]), read_embeddings(outputs[1]).astype(np.float64)
        assert all(row.quality_score is not None for row in rows)
        quality, scores = np.array([row.quality for row in rows]), np.array([row.quality_score for row in rows])
        units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        subjects = numbered([subject_of_path(row.image) for row in rows])
        sets[name] = Faces(units, quality.astype(float), scores.astype(float), subjects)
    return sets


def halves(subjects: Integers, least: int) -> tuple[Integers, Integers]:
    """Divide the images of subjects with so many images or more by subject, at random with a fixed seed."""
    counts = np.bincount(subjects)
    usable = np.flatnonzero(counts >= least)
    chosen = np.random.default_rng(1).permutation(usable)[: len(usable) // 2]
    return np.flatnonzero(np.isin(subjects, chosen)), np.flatnonzero(np.isin(subjects, np.setdiff1d(usable, chosen)))


def _run(*arguments: str) -> None:
    if froq([*arguments, "--trainer.enable_progress_bar=false"]) != 0:
        raise SystemExit(1)
