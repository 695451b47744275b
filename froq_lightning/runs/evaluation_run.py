"""One pass over comparison sets: embeddings and qualities of every image, then the metrics."""

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch

from froq_lightning.backbones.spec import Backbone
from froq_lightning.calibration import observer_warnings
from froq_lightning.calibration.backbone_identity import BackboneIdentity
from froq_lightning.data.comparison_set import ComparisonSet
from froq_lightning.data.face_batch import FaceBatch
from froq_lightning.data.face_dataset import TrialDataset
from froq_lightning.errors import ConfigurationError, DataError
from froq_lightning.evaluation.comparisons import Floats, Trials, compare
from froq_lightning.evaluation.evaluate import MetricOptions, evaluate, find_thresholds
from froq_lightning.evaluation.outcome import EvaluatedSet, Evaluation, MethodFacts, MethodThresholds
from froq_lightning.methods.froq import FroqQuality
from froq_lightning.methods.quality_method import RandomMethod
from froq_lightning.methods.scoring import MethodScorer, ScoringCosts
from froq_lightning.metrics.comparison_table import ComparisonTable, Enrolment, template_quality
from froq_lightning.observation.independence import require_independent_embedding
from froq_lightning.runs.processes import gathered, process_number
from froq_lightning.runs.quality_batch import NOT_FINITE

# A random method is drawn so often, unless its draws times the comparison trials are more than this.
DRAWS, DRAWN_TRIALS = 25, 2_000_000
# Fewer bootstrap samples hardly reach into the tails that a 95 % interval ends in.
ENOUGH_SAMPLES = 100


class EvaluationRun:
    """Gathers the images of comparison sets.

    Args:
        scorer: the methods, on their network.
        sets: to compare, each with qualities from elsewhere by the same names.
        device: that holds the tables.

    Raises:
        ConfigurationError: if scores from elsewhere go by the name of a method.
        BackboneError: if the embedding of an image depends on the other images of its batch.
        DataError: if no set has mated and non-mated trials.
    """

    def __init__(self, scorer: MethodScorer, sets: Sequence[TrialDataset], device: torch.device) -> None:
        if repeated := [name for name in sets[0].scores if name in scorer.methods]:
            raise ConfigurationError(
                f"Expected scores from elsewhere to go by other names than methods, but got {repeated[0]}"
            )
        self.scorer = scorer
        self.sets = [each.comparisons for each in sets]
        self.given = [each.scores for each in sets]
        self.groups = [each.groups for each in sets]
        _require_one_whole({data_set.name: data_set.lacking() for data_set in self.sets})
        require_independent_embedding(scorer.backbone)
        dimension = _dimension(scorer.backbone, device)
        self._tables = [
            ComparisonTable(_enrolment(data_set), dimension, len(scorer.methods)).to(device) for data_set in self.sets
        ]
        self._left_out: list[dict[int, str]] = [{} for _ in sets]

    def add(self, batch: FaceBatch, number: int) -> None:
        """Embed the images of a batch of the set of that number, and score them by every method."""
        self._leave_out(number, {sample.index: sample.note for sample in batch.failures})
        if len(batch.images):
            scores = self.scorer.score(batch.images)
            finite = scores.embeddings.isfinite().all(dim=1)
            self._leave_out(number, dict.fromkeys(batch.sample_index[~finite].tolist(), NOT_FINITE))
            self._tables[number].update(batch.sample_index[finite], scores.embeddings[finite], scores.qualities[finite])

    def _leave_out(self, number: int, reasons: dict[int, str]) -> None:
        table = self._tables[number]
        self._left_out[number] |= reasons
        table.update_missing(torch.tensor(list(reasons), dtype=torch.int64, device=table.device))

    def finish(self, identity: BackboneIdentity, options: MetricOptions, *, first: bool) -> Evaluation | None:
        """Compare the images of all processes, and compute the metrics on the first one.

        Args:
            identity: of the network.
            options: metrics to compute.
            first: whether this process is the first; the others return None.

        Raises:
            DataError: if no set has mated and non-mated trials between images that gave an embedding.
        """
        gathered_tables = [table.compute() for table in self._tables]
        left_out = [gathered(part) for part in self._left_out]
        costs = self._costs()
        self._require_trials([embeddings for embeddings, _ in gathered_tables], left_out)
        if not first:
            return None
        sets = []
        for number, (embeddings, columns) in enumerate(gathered_tables):
            named = zip(self.scorer.methods, columns.T, strict=True)
            qualities = {name: values for name, values in named if name not in costs.refusals}
            sets.append(self._evaluated(number, embeddings, qualities, left_out[number]))
        results = [
            result
            for data_set in sets
            for result in evaluate(data_set.name, data_set.trials, data_set.unit_qualities, options)
        ]
        thresholds = [
            threshold
            for number, data_set in enumerate(sets)
            for threshold in self._thresholds(number, data_set, options)
        ]
        return Evaluation(
            backbone=identity.title(),
            pass_milliseconds=costs.pass_milliseconds,
            methods=self._methods(costs),
            sets=tuple(sets),
            conventions=options.created_conventions(),
            fmr=options.fmr,
            results=tuple(results),
            notes=tuple(self._notes(identity, options)),
            thresholds=tuple(thresholds),
        )

    def _thresholds(self, number: int, data_set: EvaluatedSet, options: MetricOptions) -> Iterator[MethodThresholds]:
        """Find quality thresholds: in 0..100 where a method has an Observer, since that is what is deployed."""
        qualities = {
            name: data_set.percentiles.get(name, columns[:, 0])
            for name, columns in data_set.unit_qualities.items()
            if not isinstance(self.scorer.methods.get(name), RandomMethod)
        }
        groups = None
        if (of_images := self.groups[number]) is not None:
            groups = of_images[0], _of_units(of_images[1], self._tables[number].enrolment)
        yield from find_thresholds(data_set.name, data_set.trials, qualities, data_set.percentiles, options, groups)

    def _notes(self, identity: BackboneIdentity, options: MetricOptions) -> Iterator[str]:
        """Yield doubts about the network, the Observers of the methods, and the intervals."""
        if warning := observer_warnings.weights_warning(identity):
            yield warning
        for name, method in self.scorer.methods.items():
            if isinstance(method, FroqQuality) and (doubt := observer_warnings.agreement_warning(method.observer)):
                yield f"{name}: {doubt}"
        if 0 < options.bootstrap < ENOUGH_SAMPLES:
            count = options.bootstrap
            yield f"intervals from {count} bootstrap samples are too narrow; take {ENOUGH_SAMPLES} or more"

    def _require_trials(self, embeddings: Sequence[np.ndarray], left_out: Sequence[Mapping[int, str]]) -> None:
        """Refuse sets of which none has usable trials of both kinds; one beside others is a remark."""
        lacks = {}
        for data_set, rows, missing in zip(self.sets, embeddings, left_out, strict=True):
            known = np.isfinite(rows).all(axis=1) & rows.any(axis=1)
            example = next((f", as of {data_set.images[place].key!r} ({why})" for place, why in missing.items()), "")
            lack = data_set.lacking(known[data_set.first] & known[data_set.second])
            lacks[data_set.name] = (
                lack and f"{lack} ones: {int((~known).sum())} of {len(known)} embeddings are missing{example}"
            )
        _require_one_whole(lacks)

    def _costs(self) -> ScoringCosts:
        """Return the costs in the first process that had an image to score."""
        own = self.scorer.costs()
        gathered_costs = sorted(gathered({process_number(): own}).items())
        return next((costs for _, costs in gathered_costs if math.isfinite(costs.pass_milliseconds)), own)

    def _evaluated(
        self, number: int, embeddings: np.ndarray, qualities: dict[str, Floats], left_out: Mapping[int, str]
    ) -> EvaluatedSet:
        data_set, enrolment = self.sets[number], self._tables[number].enrolment
        of_images = qualities | dict(self.given[number])
        drawn = {name: self._drawn(name, values, len(data_set.mated)) for name, values in of_images.items()}
        scores = compare(embeddings, data_set.first, data_set.second)
        unit_qualities = {name: template_quality(columns, enrolment) for name, columns in drawn.items()}
        return EvaluatedSet(
            name=data_set.name,
            note=data_set.note,
            trials=Trials(scores, data_set.mated, data_set.first, data_set.second, data_set.subjects),
            images=len(data_set.images),
            left_out={data_set.images[index].key: reason for index, reason in sorted(left_out.items())},
            qualities=of_images,
            unit_qualities=unit_qualities,
            percentiles=self._percentiles(unit_qualities),
        )

    def _percentiles(self, qualities: Mapping[str, Floats]) -> dict[str, Floats]:
        """Bring the scores of methods with an Observer to 0..100."""
        percentiles = {}
        for name, method in self.scorer.methods.items():
            if isinstance(method, FroqQuality) and name in qualities:
                quality = method.observer.quality(torch.from_numpy(qualities[name][:, 0])).double().numpy()
                percentiles[name] = np.where(quality < 0, np.nan, quality)
        return percentiles

    def _drawn(self, name: str, values: Floats, trials: int) -> Floats:
        """Scores of a method as columns: one, or as many draws as keep the metrics of a random one affordable."""
        method = self.scorer.methods.get(name)
        if not isinstance(method, RandomMethod):
            return values[:, None]
        draws = min(DRAWS, max(1, DRAWN_TRIALS // trials))
        return method.redraw(torch.from_numpy(values), draws).numpy()

    def _methods(self, costs: ScoringCosts) -> tuple[MethodFacts, ...]:
        methods = [
            MethodFacts(
                name,
                method.parameters(),
                costs.milliseconds.get(name, float("nan")),
                costs.refusals.get(name, ""),
                is_random=isinstance(method, RandomMethod),
            )
            for name, method in self.scorer.methods.items()
        ]
        return (*methods, *(MethodFacts(name, {"scores": "from a file"}) for name in self.given[0]))


def _of_units(groups: Sequence[str], enrolment: Enrolment) -> list[str]:
    """Give a template the group of its last image."""
    of_units = dict(zip(enrolment.template[enrolment.media].tolist(), groups, strict=True))
    return [of_units.get(unit, "") for unit in range(int(enrolment.template.max()) + 1)]


def _require_one_whole(lacks: Mapping[str, str]) -> None:
    """Refuse sets that all lack a kind of trials, given what each lacks."""
    if all(lacks.values()):
        name, lack = next(iter(lacks.items()))
        raise DataError(f"Expected {name} to have usable trials, mated and non-mated, but got no {lack}")


def _enrolment(data_set: ComparisonSet) -> Enrolment:
    if data_set.templates is None:
        return Enrolment.of_images(len(data_set.images))
    return Enrolment.of_templates(data_set.templates.template, data_set.templates.media)


@torch.no_grad()
def _dimension(backbone: Backbone, device: torch.device) -> int:
    """Number of components of an embedding."""
    black = torch.zeros((1, 3, *backbone.preprocessing.size), device=device)
    return backbone.embed(backbone.run(backbone.inputs(black))).shape[1]
