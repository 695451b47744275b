"""One network: calibration sets drawn from its tables, and trials to evaluate scores on."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import candidates
import numpy as np
import numpy.typing as npt
from tables import Faces
from torch import Tensor
from trials import Cell, cells

from froq_lightning.evaluation.comparisons import Trials, compare

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
NON_MATED = 20_000


@dataclass(frozen=True)
class Bench:
    """One network and its tables.

    Args:
        name: of the network.
        tables: by set.
        faces: that the sets go through.
        part: of the subjects that is evaluated: `choose` or `report`.
    """

    name: str
    tables: dict[str, dict[str, npt.NDArray[np.float32]]]
    faces: Faces
    part: str

    @classmethod
    def read(cls, folder: Path, name: str, faces: Faces, part: str) -> "Bench":
        """Read the tables of a network."""
        tables = {}
        for of in ("clean", "degraded", "copies", "calibration", "calibration_copies"):
            with np.load(folder / f"{name}.{of}.npz") as file:
                tables[of] = {key: file[key] for key in file.files}
            labels = folder / f"{name}.{of}.published.npz"
            if labels.exists():
                with np.load(labels) as file:
                    tables[of]["published"] = file["labels"]
        return cls(name, tables, faces, part)

    @cached_property
    def pool(self) -> Integers:
        """Faces to calibrate on: whose subjects are neither evaluated nor kept for the report."""
        parts = ["calibrate"] if self.part == "choose" else ["calibrate", "choose"]
        return np.flatnonzero(np.isin(self.faces.part, parts) & self.found)

    @cached_property
    def found(self) -> npt.NDArray[np.bool_]:
        """Faces that an aligner found: the others are one and the same black crop."""
        _, place, count = np.unique(self.tables["clean"]["embeddings"], axis=0, return_inverse=True, return_counts=True)
        repeated: npt.NDArray[np.bool_] = (count == 1)[place.ravel()]
        return repeated

    @cached_property
    def columns(self) -> dict[str, list[int]]:
        """Layers that may be chosen."""
        return candidates.usable_columns(self.tables)

    def trials(self, wanted: Integers | None = None) -> list[Cell]:
        """Trials of the evaluated part, or of some faces."""
        wanted = np.flatnonzero((self.faces.part == self.part) & self.found) if wanted is None else wanted
        embeddings = {part: self.tables[part]["embeddings"].astype(float) for part in ("clean", "degraded")}
        return cells(embeddings, self.faces.subjects, wanted)

    def cross_trials(self) -> Trials:
        """Every clean image of the evaluated part against every degraded one, of the non-mated ones a sample."""
        wanted = np.flatnonzero((self.faces.part == self.part) & self.found)
        first, second = (side.ravel() for side in np.meshgrid(wanted, wanted, indexing="ij"))
        first, second = first[first != second], second[first != second]
        mated = self.faces.subjects[first] == self.faces.subjects[second]
        sampled = np.random.default_rng(0).choice(np.flatnonzero(~mated), NON_MATED, replace=False)
        rows = np.concatenate([np.flatnonzero(mated), sampled])
        embeddings = np.concatenate([self.tables[part]["embeddings"] for part in ("clean", "degraded")])
        first, second = first[rows], second[rows] + len(self.faces.names)
        subjects = np.concatenate([self.faces.subjects, self.faces.subjects])
        return Trials(compare(embeddings, first, second), mated[rows], first, second, subjects)

    def quality(self, combination: str, draw: candidates.Draw) -> Floats:
        """Score the clean and then the degraded images."""
        score = candidates.scorer(combination.rsplit(" / ", maxsplit=1)[1], draw, self.columns)
        return np.concatenate([score(self.tables[part]["norms"]) for part in ("clean", "degraded")])

    def draw(self, combination: str, size: int, seed: int) -> candidates.Draw:
        """Draw so many photographs, or of whole subjects if the labels need them, and label them."""
        label, draws = combination.split(" / ", maxsplit=1)[0], np.random.default_rng(seed)
        if label == "mated":
            order = draws.permutation(np.unique(self.faces.subjects[self.pool]))
            counts = np.bincount(self.faces.subjects[self.pool])[order].cumsum()
            return self.of_subjects(order[: np.searchsorted(counts, size) + 1])
        rows = np.sort(draws.choice(self.pool, size, replace=False))
        if label == "published":
            even = rows % 2 == 0
            samples = [("clean", rows[even]), ("copies", rows[~even])]
            return self._labelled(samples, candidates.published)
        samples = [("clean", rows), ("copies", rows)]
        return self._labelled(samples, candidates.own_copy if label == "own copy" else candidates.pseudo_mated)

    def of_subjects(self, subjects: Integers) -> candidates.Draw:
        """Take all images of some subjects, and a copy of each, labelled by mates."""
        rows = self.pool[np.isin(self.faces.subjects[self.pool], subjects)]
        samples = [("clean", rows), ("copies", rows)]
        return self._labelled(samples, lambda tables, parts: candidates.mated(tables, parts, self.faces.subjects))

    def folder_draw(self, combination: str, size: int, seed: int) -> candidates.Draw:
        """Draw from the calibration set of other subjects."""
        count = len(self.tables["calibration"]["norms"])
        rows = np.sort(np.random.default_rng(seed).choice(count, size, replace=False))
        samples = [("calibration", rows)]
        if combination.startswith("published"):
            return self._labelled(samples, candidates.published, np.arange(count))
        samples.append(("calibration_copies", rows))
        return self._labelled(samples, candidates.pseudo_mated, np.arange(count))

    def _labelled(
        self, samples: list[tuple[str, Integers]], label: Callable[..., Tensor], subjects: Integers | None = None
    ) -> candidates.Draw:
        # Without known subjects, an image and its copies are kept together.
        groups = np.arange(len(self.faces.names)) if subjects is None else subjects
        return candidates.Draw.of(self.tables, samples, label(self.tables, samples), groups)
