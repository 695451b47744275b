"""Labels and rules of selection that are compared."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from froq_lightning.calibration.correlation import spearman
from froq_lightning.calibration.labelled_norms import LabelledNorms
from froq_lightning.calibration.rules.registry import create_rule
from froq_lightning.calibration.rules.rule import LayerSet
from froq_lightning.extensions import RULES, discover
from froq_lightning.methods.mated_similarity import MatedSimilarity
from froq_lightning.methods.pseudo_mated_similarity import PseudoMatedSimilarity
from froq_lightning.observation.layers import repeated_columns

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Table = Mapping[str, npt.NDArray[np.float32]]


@dataclass(frozen=True)
class Draw:
    """A calibration set: norms and labels, and who belongs together."""

    norms: Tensor
    labels: Tensor
    groups: Tensor
    originals: Tensor

    @classmethod
    def of(
        cls, tables: Mapping[str, Table], samples: list[tuple[str, Integers]], labels: Tensor, subjects: Integers
    ) -> "Draw":
        """Gather samples, each a set and positions in it, but those without a label."""
        norms = torch.from_numpy(np.concatenate([tables[part]["norms"][rows] for part, rows in samples]))
        originals = torch.from_numpy(np.concatenate([rows for _, rows in samples]))
        known = labels.isfinite()
        groups = torch.from_numpy(subjects)[originals]
        return cls(norms[known], labels[known], groups[known], originals[known])


def published(tables: Mapping[str, Table], samples: list[tuple[str, Integers]]) -> Tensor:
    """The labels of the paper: flip and occlusion (66 passes)."""
    return torch.from_numpy(np.concatenate([tables[part]["published"][rows] for part, rows in samples]))


def mated(tables: Mapping[str, Table], samples: list[tuple[str, Integers]], subjects: Integers) -> Tensor:
    """Label by other images of the subject; the first samples are the images, the others copies of them."""
    kept, originals = _gathered(tables, samples, "embeddings")
    return MatedSimilarity().label(kept, torch.from_numpy(subjects[samples[0][1]])[originals], originals).labels


def pseudo_mated(tables: Mapping[str, Table], samples: list[tuple[str, Integers]]) -> Tensor:
    """Label by altered versions of the image."""
    own, originals = _gathered(tables, samples, "embeddings")
    own = torch.nn.functional.normalize(own, dim=1)
    versions = torch.from_numpy(tables[samples[0][0]]["versions"][samples[0][1]])[originals]
    return PseudoMatedSimilarity().label(torch.cat([own, versions], dim=1), originals, originals).labels


def own_copy(tables: Mapping[str, Table], samples: list[tuple[str, Integers]]) -> Tensor:
    """Label by the image that a copy was made from."""
    own, originals = _gathered(tables, samples, "embeddings")
    own = torch.nn.functional.normalize(own.double(), dim=1)
    return (own * own[originals]).sum(dim=1)


def _gathered(tables: Mapping[str, Table], samples: list[tuple[str, Integers]], what: str) -> tuple[Tensor, Tensor]:
    values = torch.from_numpy(np.concatenate([tables[part][what][rows] for part, rows in samples]))
    return values, torch.arange(len(samples[0][1])).repeat(len(samples))


def _preset(name: str, draw: Draw, columns: dict[str, list[int]]) -> tuple[LayerSet, LabelledNorms, str]:
    rule = create_rule(name)
    pool = columns["distinct" if rule.fold_repeats else "all"]
    utilities = dict(zip(pool, spearman(draw.norms[:, pool], draw.labels).tolist(), strict=True))
    table = LabelledNorms(draw.norms, draw.labels, utilities, draw.groups, draw.originals)
    return rule.choose(table, [pool])[0], table, rule.aggregation


def scorer(rule: str, draw: Draw, columns: dict[str, list[int]]) -> Callable[[npt.NDArray[np.float32]], Floats]:
    """Select layers by a preset, `bagged` (`distinct` on 10 bootstraps, averaged) or `broad` (the 30 best layers)."""
    if rule in discover(RULES).plugins:
        found, table, aggregation = _preset(rule, draw, columns)
        moments = table.moments(found.columns)
        return lambda norms: found.scores(torch.from_numpy(norms), aggregation, moments).numpy()  # type: ignore[arg-type]
    weights = np.zeros(draw.norms.shape[1])
    if rule == "broad":
        pool = columns["distinct"]
        best = spearman(draw.norms[:, pool], draw.labels).argsort(descending=True)[:30]
        weights[np.array(pool)[best.numpy()]] = 1 / 30
    else:
        names = draw.groups.unique()
        generator = torch.Generator().manual_seed(0)
        for _ in range(10):
            drawn = names[torch.randint(len(names), (len(names),), generator=generator)]
            rows = torch.cat([(draw.groups == name).nonzero()[:, 0] for name in drawn])
            again = Draw(draw.norms[rows], draw.labels[rows], draw.groups[rows], draw.originals[rows])
            chosen = list(_preset("distinct", again, columns)[0].columns)
            weights[chosen] += 1 / len(chosen) / 20
    used = np.flatnonzero(weights)
    norms = draw.norms[:, used].double().numpy()
    means, stds = norms.mean(axis=0), norms.std(axis=0)
    return lambda norms: ((norms[:, used] - means) / stds) @ weights[used]


def usable_columns(tables: Mapping[str, Table]) -> dict[str, list[int]]:
    """Columns that fired and vary, and of these the ones that repeat no other."""
    norms = torch.from_numpy(np.concatenate([tables["clean"]["norms"], tables["copies"]["norms"]]))
    order = tables["clean"]["order"].astype(int).tolist()
    highest, lowest = norms.amax(dim=0), norms.amin(dim=0)
    varies = (highest - lowest > 1e-6 * highest.abs()) & highest.isfinite()
    every = [column for column in order if bool(varies[column])]
    repeats = repeated_columns(norms, every)
    return {"all": every, "distinct": [column for column in every if column not in repeats]}
