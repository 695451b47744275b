"""One network in an evaluation: the embeddings and qualities that it gives the images of comparison sets."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from froq_lightning.backbones.memory_format import set_memory_format
from froq_lightning.backbones.registry import create_backbone
from froq_lightning.backbones.spec import Backbone
from froq_lightning.calibration.backbone_identity import BackboneIdentity
from froq_lightning.calibration.observer import Observer
from froq_lightning.data.comparison_set import ComparisonSet
from froq_lightning.data.face_batch import FaceBatch
from froq_lightning.errors import ConfigurationError
from froq_lightning.evaluation.comparisons import Floats
from froq_lightning.extensions import BACKBONES, find
from froq_lightning.methods.froq import FroqQuality
from froq_lightning.methods.scoring import MethodScorer, ScoringCosts
from froq_lightning.observation.independence import require_independent_embedding
from froq_lightning.runs.comparison_table import ComparisonTable, Embeddings, Enrolment
from froq_lightning.runs.quality_batch import NOT_FINITE
from froq_lightning.runs.recognised_batch import RecognisedBatch, RecognisedPart


@dataclass(frozen=True)
class FurtherBackbone:
    """A further network of an evaluation.

    Args:
        backbone: registered name.
        backbone_options: passed to the backbone's factory, such as `weights`.
        observer: Observer file; without one, the Observer that ships with the backbone.
        name: in tables; by default that of the backbone.
    """

    backbone: str
    backbone_options: dict[str, Any] | None = None
    observer: str | None = None
    name: str | None = None

    @property
    def label(self) -> str:
        """Name in tables."""
        return self.name or self.backbone

    def scorer(self, *, compiled: bool) -> MethodScorer:
        """Build the network, with its Observer as the one method.

        Raises:
            ConfigurationError: if no Observer is given, and none ships with the backbone.
            ObserverError: if it is damaged, or was made for another network.
        """
        options, plugin = self.backbone_options or {}, find(BACKBONES, self.backbone)
        backbone = create_backbone(self.backbone, **options)
        path = self.observer or backbone.observer
        if path is None:
            raise ConfigurationError(f"Expected an `observer` for {self.label}, since {self.backbone!r} ships none")
        observer = Observer.load(path)
        identity = BackboneIdentity.of(backbone, self.backbone, options, plugin.distribution, plugin.version)
        observer.require(backbone, identity)
        return MethodScorer(backbone, {f"froq of {self.label}": FroqQuality(observer, compiled)})


@dataclass(frozen=True)
class Recognised:
    """What a network gave the images of a data set, on all processes together.

    Args:
        embeddings: `[U, D]` of what is compared, images or templates; NaN where there is none.
        qualities: `[N]` of the images by method, higher is better; NaN where there is none.
        left_out: positions of images that gave no embedding, with reasons.
    """

    embeddings: Embeddings
    qualities: dict[str, Floats]
    left_out: dict[int, str]


class Recogniser:
    """A network, and the methods that score images by it.

    Args:
        name: that its errors go by.
        scorer: methods, on the network.
        device: where the network lies.

    Raises:
        BackboneError: if the embedding of an image depends on the other images of its batch.
    """

    def __init__(self, name: str, scorer: MethodScorer, device: torch.device) -> None:
        self.name = name
        self.scorer = scorer
        require_independent_embedding(scorer.backbone)
        self._dimension = _dimension(scorer.backbone, device)

    def recognise(self, batch: FaceBatch) -> RecognisedPart:
        """Embed the images of a batch, and score them by every method."""
        if not len(batch.images):
            return RecognisedPart.empty(self._dimension, len(self.scorer.methods))
        scores = self.scorer.score(batch.images)
        embeddings, qualities = scores.embeddings.cpu(), scores.qualities.cpu()
        finite = embeddings.isfinite().all(dim=1)
        return RecognisedPart(
            batch.sample_index[finite],
            embeddings[finite],
            qualities[finite],
            batch.sample_index[~finite].tolist(),
            scores.milliseconds,
            scores.refusals,
        )

    def tables(self, sets: Sequence[ComparisonSet], folder: Path | None) -> list[ComparisonTable]:
        """Make an empty table for every data set, in files of that folder if there is one."""
        count = len(self.scorer.methods)
        return [ComparisonTable(enrolment_of(each), self._dimension, count, folder) for each in sets]


def gather(
    recognisers: Sequence[Recogniser],
    sets: Sequence[ComparisonSet],
    batches: Iterable[RecognisedBatch],
    folder: Path | None,
) -> Iterator[tuple[list[Recognised], ScoringCosts]]:
    """Put the steps of all processes together.

    Args:
        recognisers: the networks.
        sets: that are compared.
        batches: of all processes, those of the first process first.
        folder: for files that hold the embeddings; without one, they are in memory.

    Yields:
        For every network what it gave the images of every set, and what its methods took.

    Raises:
        DataError: if images never arrived.
    """
    tables = [recogniser.tables(sets, folder) for recogniser in recognisers]
    left_out: list[list[dict[int, str]]] = [[{} for _ in sets] for _ in recognisers]
    costs: list[list[tuple[Mapping[str, float], Mapping[str, str]]]] = [[] for _ in recognisers]
    for batch in batches:
        for number, part in enumerate(batch.parts):
            reasons = {**batch.failures, **dict.fromkeys(part.not_finite, NOT_FINITE)}
            left_out[number][batch.data_set] |= reasons
            table = tables[number][batch.data_set]
            table.update_missing(np.array(list(reasons), dtype=np.int64))
            table.update(part.sample_index.numpy(), part.embeddings.numpy(), part.qualities.numpy())
            costs[number].append((part.milliseconds, part.refusals))
    for recogniser, of_sets, missing, times in zip(recognisers, tables, left_out, costs, strict=True):
        costs_of_all = ScoringCosts.of(times)
        methods = [name for name in recogniser.scorer.methods if name not in costs_of_all.refusals]
        recognised = []
        for table, reasons in zip(of_sets, missing, strict=True):
            embeddings, columns = table.compute()
            named = dict(zip(recogniser.scorer.methods, columns.T, strict=True))
            recognised.append(Recognised(embeddings, {name: named[name] for name in methods}, reasons))
        yield recognised, costs_of_all


def enrolment_of(data_set: ComparisonSet) -> Enrolment:
    """Say how the images of a set form what is compared."""
    if data_set.templates is None:
        return Enrolment.of_images(len(data_set.images))
    return Enrolment.of_templates(data_set.templates.template, data_set.templates.media)


def require_same_crops(backbone: Backbone, other: Backbone, name: str) -> None:
    """Refuse a further network that takes other crops than the first.

    Raises:
        ConfigurationError: saying in what they differ.
    """
    for what in ("size", "alignment"):
        first, second = getattr(backbone.preprocessing, what), getattr(other.preprocessing, what)
        if first != second:
            raise ConfigurationError(
                f"Expected networks that take the same crops, but {name} takes {what} {second}, the first one {first}; "
                "evaluate it in a run of its own, with the scores of the other as data.scores"
            )


def further_scorers(
    backbones: Sequence[FurtherBackbone], device: torch.device, *, channels_last: bool, compiled: bool
) -> dict[str, MethodScorer]:
    """Build further networks by their names, on a device and laid out as the first one is.

    Raises:
        ConfigurationError: if two have one name; see `FurtherBackbone.scorer`.
    """
    labels = [each.label for each in backbones]
    if repeated := [label for label in labels if labels.count(label) > 1]:
        raise ConfigurationError(f"Expected networks of different names, but got {repeated[0]} twice; set `name`")
    scorers = {each.label: each.scorer(compiled=compiled) for each in backbones}
    for scorer in scorers.values():
        scorer.backbone.network.to(device)
        set_memory_format(scorer.backbone, device, None if channels_last else False)
    return scorers


def identity_of_scorers(scorers: Mapping[str, MethodScorer]) -> dict[str, Any]:
    """Say, as JSON values, what the scores of networks depend on besides the first network, given scorers by name."""
    return {
        "methods": {name: scorer.identity() for name, scorer in scorers.items()},
        # Scores are columns of a table: JSON objects are equal in any order, lists are not.
        "order_of_methods": [[name, *scorer.methods] for name, scorer in scorers.items()],
    }


@torch.no_grad()
def _dimension(backbone: Backbone, device: torch.device) -> int:
    """Number of components of an embedding."""
    black = torch.zeros((1, 3, *backbone.preprocessing.size), device=device)
    return backbone.embed(backbone.run(backbone.inputs(black))).shape[1]
