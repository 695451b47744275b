"""Comparison trials, and pAUC: how well the quality of images foretells which trials fail."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from froq_lightning.evaluation.error_rates import threshold_at_fmr

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
FMRS = (1e-2, 1e-3)
FRACTIONS = np.arange(31) / 100
# A figure that rests on fewer errors is luck; where nearly all trials fail, nothing can be foretold.
FEWEST_ERRORS, MOST_FNMR = 20, 0.9


@dataclass(frozen=True)
class Cell:
    """Mated trials of one kind at one FMR: positions of both images among clean and degraded ones, and what failed."""

    kind: str
    fmr: float
    first: Integers
    second: Integers
    failed: npt.NDArray[np.bool_]
    subject: Integers


def cells(embeddings: dict[str, Floats], subjects: Integers, wanted: Integers) -> list[Cell]:
    """Compare all wanted images with each other: natural trials, clean against degraded, and both degraded.

    Args:
        embeddings: `[N, D]` of `clean` and `degraded` images.
        subjects: `[N]`.
        wanted: positions of the images that take part.
    """
    unit = {
        name: rows[wanted] / np.linalg.norm(rows[wanted], axis=1, keepdims=True) for name, rows in embeddings.items()
    }
    own, count = subjects[wanted], len(subjects)
    same = own[:, None] == own[None]
    above = np.triu(np.ones(same.shape, dtype=bool), 1)
    found = []
    for kind, one, other, pairs in (
        ("natural", "clean", "clean", above),
        ("cross", "clean", "degraded", ~np.eye(len(own), dtype=bool)),
        ("both", "degraded", "degraded", above),
    ):
        scores = unit[one] @ unit[other].T
        first, second = np.nonzero(same & pairs)
        mated, non_mated = scores[first, second], scores[~same & pairs]
        for fmr in FMRS:
            failed = mated <= threshold_at_fmr(non_mated, fmr)
            if failed.sum() >= FEWEST_ERRORS and failed.mean() < MOST_FNMR:
                sides = [
                    wanted[rows] + (count if name == "degraded" else 0)
                    for rows, name in ((first, one), (second, other))
                ]
                found.append(Cell(kind, fmr, sides[0], sides[1], failed, own[first]))
    return found


def pauc(quality: Floats, cell: Cell, weights: Floats | None = None) -> float:
    """Mean FNMR while the worst 0 to 30 % of the mated trials are discarded, as a share of the FNMR at 0 (`froq`).

    Args:
        quality: `[2 * N]` of the clean and then the degraded images.
        cell: of the trials.
        weights: of each trial, such as how often a bootstrap drew its subject; 1 each if not given.
    """
    order = np.argsort(np.minimum(quality[cell.first], quality[cell.second]), kind="stable")
    weights = np.ones(len(order)) if weights is None else weights[order]
    failed = weights * cell.failed[order]
    discarded, caught = (np.concatenate([[0.0], np.cumsum(each)]) for each in (weights, failed))
    at = np.searchsorted(discarded, FRACTIONS * discarded[-1] + 1e-9, side="right") - 1
    fnmr = (caught[-1] - caught[at]) / (discarded[-1] - discarded[at])
    return float(fnmr.mean() / fnmr[0]) if fnmr[0] else float("nan")


def mean_pauc(quality: Floats, trials: list[Cell]) -> float:
    """Mean over the cells."""
    return float(np.mean([pauc(quality, cell) for cell in trials]))


def bootstrapped(qualities: list[Floats], trials: list[Cell], samples: int, seed: int = 0) -> Floats:
    """Mean pAUC of each quality under bootstraps of the subjects, `[samples, Q]`: the same draws for all."""
    names, number = np.unique(np.concatenate([cell.subject for cell in trials]), return_inverse=True)
    ends = np.cumsum([len(cell.subject) for cell in trials])[:-1]
    draws = np.random.default_rng(seed)
    result = np.empty((samples, len(qualities)))
    for sample in result:
        drawn = np.bincount(draws.integers(len(names), size=len(names)), minlength=len(names)).astype(float)
        weights = [drawn[part] for part in np.split(number, ends)]
        sample[:] = [np.mean([pauc(q, c, w) for c, w in zip(trials, weights, strict=True)]) for q in qualities]
    return result
