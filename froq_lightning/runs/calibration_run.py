"""One pass over a calibration set: layer norms and labels of every image, then the Observer."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from statistics import mean
from typing import Any, cast

import torch
from torch import Tensor

from froq_lightning.backbones.spec import Backbone
from froq_lightning.calibration.backbone_identity import BackboneIdentity
from froq_lightning.calibration.budget import Budget
from froq_lightning.calibration.observer import CalibrationSet, Observer
from froq_lightning.calibration.precision import Precision
from froq_lightning.calibration.rules.registry import create_rule, resolve_preset
from froq_lightning.calibration.selection import Selection, select_layers
from froq_lightning.data.face_batch import FaceBatch, FaceSample
from froq_lightning.errors import CalibrationError
from froq_lightning.methods.quality_method import Labeller, QualityMethod, SetLabeller
from froq_lightning.methods.scoring import score_images
from froq_lightning.metrics.layer_norm_table import CalibrationTable, LayerNormTable
from froq_lightning.observation.independence import dependent_layers, require_independent_embedding
from froq_lightning.observation.norms import LayerNorms
from froq_lightning.observation.pass_clock import PassClock
from froq_lightning.runs.observed_batch import ObservedBatch
from froq_lightning.runs.processes import gathered, process_number
from froq_lightning.runs.quality_batch import NOT_FINITE
from froq_lightning.runs.set_labels import groups, label_set


@dataclass(frozen=True)
class Calibration:
    """What `validate` found: the Observer, and the table and selection behind it.

    Args:
        observer: the artefact.
        table: layer norms and labels of the images used.
        selection: layers and scores of these images.
        left_out: the samples that no process could use, by sample index, with reasons.
        unlabelled: why others have no label, by sample index.
    """

    observer: Observer
    table: CalibrationTable
    selection: Selection
    left_out: dict[int, FaceSample]
    unlabelled: dict[int, str]


@dataclass(frozen=True)
class Labelling:
    """What labels images which come without labels, and the name it is recorded by."""

    name: str
    method: Labeller

    def identity(self) -> list[Any]:
        """Say, as JSON values, what the labels depend on."""
        return [self.name, self.method.parameters(), getattr(self.method, "micro_batch", None)]


@dataclass(frozen=True)
class PassFacts:
    """What a process learnt in its passes, besides the norms.

    Args:
        order: columns of the layers in execution order; empty if the process had no image.
        unobserved: columns that cannot be observed, and why.
        labels_given: whether the images came with labels.
        costs: of reaching each layer, as a share of a pass.
        dimension: of what is kept of an image, if the labels are made of the whole set; else 0.
    """

    order: tuple[int, ...]
    unobserved: dict[int, str]
    labels_given: bool
    costs: list[float]
    dimension: int


class CalibrationRun:
    """Gathers the images of a calibration set.

    Args:
        backbone: the network.
        labelling: of the images that come without labels.
        rows: images that this process will see at most, repeated ones included.
        device: that holds the table.

    Raises:
        BackboneError: if the embedding of an image depends on the other images of its batch.
    """

    def __init__(self, backbone: Backbone, labelling: Labelling, rows: int, device: torch.device) -> None:
        layers = backbone.candidate_layers
        require_independent_embedding(backbone)
        dependent = dependent_layers(backbone, layers)
        self._dependent = {layers.index(layer): reason for layer, reason in dependent.items()}
        self.backbone = backbone
        self.labelling = labelling
        self._left_out: list[FaceSample] = []
        self._table = LayerNormTable(rows, len(layers)).to(device)
        self._clock = PassClock(len(layers))
        self._norms = LayerNorms(backbone.network, layers, clock=self._clock)
        self._order: tuple[int, ...] = ()
        self._unobserved: dict[int, str] = {}
        self._labels_given = False
        self._dimension = 0

    def add(self, batch: FaceBatch) -> ObservedBatch:
        """Observe all candidate layers in one pass; label the images from the same pass unless labels are given."""
        observed = self._observe(batch)
        self._take(observed)
        return observed

    def resume(self, observed: ObservedBatch) -> None:
        """Take in what a pass of an earlier run found."""
        self._clock.passes += observed.times
        self._take(observed)

    def _take(self, observed: ObservedBatch) -> None:
        self._left_out += observed.failures
        missing = [sample.index for sample in observed.failures]
        self._table.update_missing(torch.tensor(missing, dtype=torch.int64, device=self._table.device))
        if len(observed.sample_index):
            self._order, self._unobserved = observed.order, observed.unobserved
            self._labels_given = observed.labels_given
            self._dimension = 0 if observed.embeddings is None else observed.embeddings.shape[1]
            facts = (observed.pseudo_quality, observed.origins, observed.embeddings)
            self._table.update(observed.sample_index, observed.norms, *facts)

    def finish(
        self,
        identity: BackboneIdentity,
        preset: str,
        budget: Budget,
        degradations: dict[str, Any] | None,
        precision: Precision = "32-true",
    ) -> Calibration:
        """Select the layers from the images of all processes, and build the Observer.

        Raises:
            CalibrationError: if the images do not allow it.
        """
        rows, origins, passes = self._table.compute(), self._table.all_origins(), self._pass_facts()
        left_out = dict(sorted(gathered({sample.index: sample for sample in self._left_out}).items()))
        facts, unlabelled = dict[str, Any](), dict[int, str]()
        try:
            if isinstance(self.labelling.method, SetLabeller) and passes.dimension:
                embeddings = self._table.all_embeddings(passes.dimension)
                facts, unlabelled = label_set(self.labelling.method, rows, origins, embeddings)
            table = CalibrationTable.from_rows(rows)
            compared = not passes.labels_given and isinstance(self.labelling.method, SetLabeller)
            preset = resolve_preset(preset, compared=compared)
            selection = select_layers(
                table.norms,
                table.pseudo_quality,
                self.backbone.candidate_layers,
                create_rule(preset),
                passes.order,
                passes.unobserved | self._dependent,
                passes.costs,
                budget,
                groups(origins[table.sample_index]),
                origins[table.sample_index, 1],
            )
        except CalibrationError as error:
            reasons = [f"{sample.key}: {sample.note}" for sample in islice(left_out.values(), 3)]
            reasons += [f"{reason} ({count})" for reason, count in Counter(unlabelled.values()).items()]
            details = "; ".join([f"{len(left_out) + len(unlabelled)} left out", *reasons])
            raise CalibrationError(f"{error} ({details})") from error
        labels = self._label_method(given=passes.labels_given) | facts
        images = CalibrationSet(len(table.norms), len(table.missing), labels, degradations)
        observer = Observer.from_selection(selection, identity, preset, images, budget, precision)
        return Calibration(observer, table, selection, left_out, unlabelled)

    def _pass_facts(self) -> PassFacts:
        """Merge the facts of all processes that had images."""
        own = PassFacts(self._order, self._unobserved, self._labels_given, self._clock.costs(), self._dimension)
        facts = [passes for passes in gathered({process_number(): own}).values() if passes.order]
        if not facts:
            return own
        costs = [mean(each) for each in zip(*(passes.costs for passes in facts), strict=True)]
        return replace(facts[0], costs=costs)

    def _observe(self, batch: FaceBatch) -> ObservedBatch:
        if not len(batch.images):
            return ObservedBatch(failures=batch.failures)
        inputs, timed = self.backbone.inputs(batch.images), len(self._clock.passes)
        with self._norms:
            observation = self._norms.observe(inputs)
        embeddings, labels = self.backbone.embed(observation.output), self._labels(batch, inputs, observation.output)
        material = self._kept(batch, embeddings).cpu() if labels is None else None
        norms, labels = observation.norms.cpu(), None if labels is None else labels.cpu()
        finite = embeddings.isfinite().all(dim=1).cpu()
        for needed in (labels, material):
            if needed is not None:
                finite &= needed.isfinite().view(len(finite), -1).all(dim=1)
        return ObservedBatch(
            (*batch.failures, *_without(finite.tolist(), batch)),
            batch.sample_index[finite],
            norms[finite],
            norms.new_full((int(finite.sum()),), torch.nan) if labels is None else labels[finite],
            _origins(batch)[:, finite],
            None if material is None else material[finite],
            labels_given=batch.pseudo_quality is not None,
            order=observation.order,
            unobserved=observation.failures,
            times=self._clock.passes[timed:],
        )

    def _labels(self, batch: FaceBatch, inputs: Tensor, output: Any) -> Tensor | None:
        """Labels that are given, or made of each image; None if those of the whole set are made at the end."""
        if batch.pseudo_quality is not None:
            return batch.pseudo_quality
        if isinstance(self.labelling.method, SetLabeller):
            return None
        return score_images(cast("QualityMethod", self.labelling.method), self.backbone, batch.images, inputs, output)

    def _kept(self, batch: FaceBatch, embeddings: Tensor) -> Tensor:
        """What the labeller of the set needs of these images."""
        labeller = cast("SetLabeller", self.labelling.method)
        is_image = _origins(batch)[1] == batch.sample_index
        return labeller.keep(self.backbone, batch.images, embeddings, is_image)

    def _label_method(self, *, given: bool) -> dict[str, Any]:
        if given:
            return {"method": "given"}
        return {"method": self.labelling.name, **self.labelling.method.parameters()}


def _without(finite: Sequence[bool], batch: FaceBatch) -> Iterator[FaceSample]:
    """Yield the images whose embedding, label, or what their label needs is NaN or infinite as failures."""
    for index, key, is_finite in zip(batch.sample_index.tolist(), batch.keys, finite, strict=True):
        if not is_finite:
            yield FaceSample(index, key, None, NOT_FINITE)


def _origins(batch: FaceBatch) -> Tensor:
    """Stack subjects and originals of a batch to `[2, B]`; without them, no subject is known and no image is a copy."""
    subject = torch.full_like(batch.sample_index, -1) if batch.subject is None else batch.subject
    return torch.stack([subject, batch.sample_index if batch.original is None else batch.original])
