"""One pass over comparison sets: embeddings and qualities of every image, then the metrics."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain

import numpy as np
import torch

from froq_lightning.calibration import observer_warnings
from froq_lightning.calibration.backbone_identity import BackboneIdentity
from froq_lightning.data.comparison_set import ComparisonSet
from froq_lightning.data.face_batch import FaceBatch
from froq_lightning.data.face_dataset import TrialDataset
from froq_lightning.errors import ConfigurationError, TrialsError
from froq_lightning.evaluation.comparisons import Floats, Trials, compare
from froq_lightning.evaluation.evaluate import MetricOptions, evaluate, evaluate_oracles, find_thresholds
from froq_lightning.evaluation.outcome import EvaluatedSet, Evaluation, MethodFacts, MethodThresholds
from froq_lightning.journal.journal import Journal
from froq_lightning.methods.froq import FroqQuality
from froq_lightning.methods.plan import Plan, plan
from froq_lightning.methods.quality_method import QualityMethod, RandomMethod
from froq_lightning.methods.scoring import MethodScorer, ScoringCosts
from froq_lightning.runs.comparison_table import Enrolment, template_quality
from froq_lightning.runs.processes import gathered, on_first, process_number
from froq_lightning.runs.recognised_batch import RecognisedBatch
from froq_lightning.runs.recogniser import Recognised, Recogniser, enrolment_of, gather, require_same_crops

# A random method is drawn so often, unless its draws times the comparison trials are more than this.
DRAWS, DRAWN_TRIALS = 25, 2_000_000
# Fewer bootstrap samples hardly reach into the tails that a 95 % interval ends in.
ENOUGH_SAMPLES = 100


class EvaluationRun:
    """Gathers the images of comparison sets.

    Args:
        scorers: the methods, on their network, by the name ""; those of further networks, whose errors and qualities
            are evaluated too, by their names.
        sets: to compare, each with qualities from elsewhere by the same names.
        device: where the networks lie.

    Raises:
        ConfigurationError: if two methods, or scores from elsewhere, go by one name, or the networks take other crops.
        BackboneError: if the embedding of an image depends on the other images of its batch.
        TrialsError: if no set has mated and non-mated trials.
    """

    def __init__(
        self,
        scorers: Mapping[str, MethodScorer],
        sets: Sequence[TrialDataset],
        device: torch.device,
    ) -> None:
        names = [*sets[0].scores, *chain.from_iterable(each.methods for each in scorers.values())]
        if repeated := [name for name in names if names.count(name) > 1]:
            raise ConfigurationError(
                f"Expected scores from elsewhere to go by other names than methods, but got {repeated[0]}"
            )
        for name, other in scorers.items():
            require_same_crops(scorers[""].backbone, other.backbone, name)
        self.methods: dict[str, QualityMethod] = {
            name: method for each in scorers.values() for name, method in each.methods.items()
        }
        self.sets = [each.comparisons for each in sets]
        self.given = [each.scores for each in sets]
        self.groups = [each.groups for each in sets]
        _require_one_whole({data_set.name: data_set.lacking() for data_set in self.sets})
        self.recognisers = [Recogniser(name, each, device) for name, each in scorers.items()]
        self._journal: Journal | None = None
        self._steps: list[RecognisedBatch] = []

    def collect_from(self, journal: Journal) -> None:
        """Keep no steps in memory: the caller records what `add` returns in a journal, closed before `finish`."""
        self._journal = journal

    def plans(self, batch_size: int) -> dict[str, Plan]:
        """Try every method on a few images, and tell what it will take; of every network by its name."""
        return {each.name: plan(each.scorer, batch_size) for each in self.recognisers}

    def add(self, batch: FaceBatch, number: int) -> RecognisedBatch:
        """Embed the images of a batch of the set of that number, and score them by every method."""
        failures = {sample.index: sample.note for sample in batch.failures}
        parts = tuple(recogniser.recognise(batch) for recogniser in self.recognisers)
        recognised = RecognisedBatch(number, len(batch.images) + len(failures), failures, parts)
        if self._journal is None:
            self._steps.append(recognised)
        return recognised

    def finish(self, identity: BackboneIdentity, options: MetricOptions) -> Evaluation | None:
        """Compare the images of all processes, and compute the metrics; the first process gets them.

        Args:
            identity: of the network.
            options: metrics to compute.

        Raises:
            TrialsError: if no set has mated and non-mated trials between images that gave an embedding.
            DataError: if images never arrived.
        """
        own = {process_number(): self._steps}
        self._steps = []
        steps = [] if self._journal else [each for _, part in sorted(gathered(own).items()) for each in part]
        return on_first(partial(self._evaluation, steps, identity, options))

    def _evaluation(
        self, steps: Iterable[RecognisedBatch], identity: BackboneIdentity, options: MetricOptions
    ) -> Evaluation:
        folder = None
        if self._journal is not None:
            steps = map(RecognisedBatch.from_block, chain.from_iterable(self._journal.steps()))
            folder = self._journal.folder
        given, costs = zip(*gather(self.recognisers, self.sets, steps, folder), strict=True)
        for recognised in given:
            _require_trials(self.sets, recognised)
        sets = [
            self._evaluated(recogniser.name, number, [each[number] for each in given], own[number])
            for recogniser, own in zip(self.recognisers, given, strict=True)
            for number in range(len(self.sets))
        ]
        results = [
            result
            for data_set in sets
            for result in evaluate(data_set.name, data_set.trials, data_set.unit_qualities, options)
        ]
        thresholds = [
            each
            for place, data_set in enumerate(sets)
            for each in self._thresholds(place % len(self.sets), data_set, options)
        ]
        oracles = [
            result
            for data_set, recognised in zip(sets, chain.from_iterable(given), strict=True)
            for result in evaluate_oracles(data_set.name, data_set.trials, recognised.embeddings, options)
        ]
        return Evaluation(
            backbone=" and ".join([identity.title(), *(each.name for each in self.recognisers[1:])]),
            pass_milliseconds=costs[0].pass_milliseconds,
            methods=self._methods(costs),
            sets=tuple(sets),
            conventions=options.created_conventions(),
            fmr=options.fmr,
            results=tuple(results),
            notes=tuple(self._notes(identity, options)),
            thresholds=tuple(thresholds),
            oracles=tuple(oracles),
        )

    def _thresholds(self, number: int, data_set: EvaluatedSet, options: MetricOptions) -> Iterator[MethodThresholds]:
        """Find quality thresholds: in 0..100 where a method has an Observer, since that is what is deployed."""
        qualities = {
            name: data_set.percentiles.get(name, columns[:, 0])
            for name, columns in data_set.unit_qualities.items()
            if not isinstance(self.methods.get(name), RandomMethod)
        }
        groups = None
        if (of_images := self.groups[number]) is not None:
            groups = of_images[0], _of_units(of_images[1], enrolment_of(self.sets[number]))
        yield from find_thresholds(data_set.name, data_set.trials, qualities, data_set.percentiles, options, groups)

    def _notes(self, identity: BackboneIdentity, options: MetricOptions) -> Iterator[str]:
        """Yield doubts about the network, the Observers of the methods, and the intervals."""
        if warning := observer_warnings.weights_warning(identity):
            yield warning
        for name, method in self.methods.items():
            if isinstance(method, FroqQuality) and (doubt := observer_warnings.agreement_warning(method.observer)):
                yield f"{name}: {doubt}"
        if 0 < options.bootstrap < ENOUGH_SAMPLES:
            count = options.bootstrap
            yield f"intervals from {count} bootstrap samples are too narrow; take {ENOUGH_SAMPLES} or more"

    def _evaluated(self, name: str, number: int, given: Sequence[Recognised], own: Recognised) -> EvaluatedSet:
        """Join the errors of one network on a set with the qualities of all."""
        data_set, enrolment = self.sets[number], enrolment_of(self.sets[number])
        of_images = dict(chain.from_iterable(each.qualities.items() for each in given)) | dict(self.given[number])
        drawn = {method: self._drawn(method, values, len(data_set.mated)) for method, values in of_images.items()}
        scores = compare(own.embeddings, data_set.first, data_set.second)
        unit_qualities = {method: template_quality(columns, enrolment) for method, columns in drawn.items()}
        return EvaluatedSet(
            name=f"{data_set.name}, errors of {name}" if name else data_set.name,
            note=data_set.note,
            trials=Trials(scores, data_set.mated, data_set.first, data_set.second, data_set.subjects),
            images=len(data_set.images),
            left_out={data_set.images[index].key: reason for index, reason in sorted(own.left_out.items())},
            qualities=of_images,
            unit_qualities=unit_qualities,
            percentiles=self._percentiles(unit_qualities),
        )

    def _percentiles(self, qualities: Mapping[str, Floats]) -> dict[str, Floats]:
        """Bring the scores of methods with an Observer to 0..100."""
        percentiles = {}
        for name, method in self.methods.items():
            if isinstance(method, FroqQuality) and name in qualities:
                quality = method.observer.quality(torch.from_numpy(qualities[name][:, 0])).double().numpy()
                percentiles[name] = np.where(quality < 0, np.nan, quality)
        return percentiles

    def _drawn(self, name: str, values: Floats, trials: int) -> Floats:
        """Scores of a method as columns: one, or as many draws as keep the metrics of a random one affordable."""
        method = self.methods.get(name)
        if not isinstance(method, RandomMethod):
            return values[:, None]
        draws = min(DRAWS, max(1, DRAWN_TRIALS // trials))
        return method.redraw(torch.from_numpy(values), draws).numpy()

    def _methods(self, costs: Sequence[ScoringCosts]) -> tuple[MethodFacts, ...]:
        milliseconds = {name: time for each in costs for name, time in each.milliseconds.items()}
        refusals = {name: refusal for each in costs for name, refusal in each.refusals.items()}
        methods = [
            MethodFacts(
                name,
                method.parameters(),
                milliseconds.get(name, float("nan")),
                refusals.get(name, ""),
                is_random=isinstance(method, RandomMethod),
            )
            for name, method in self.methods.items()
        ]
        return (*methods, *(MethodFacts(name, {"scores": "from a file"}) for name in self.given[0]))


def _of_units(groups: Sequence[str], enrolment: Enrolment) -> list[str]:
    """Give a template the group of its last image."""
    of_units = dict(zip(enrolment.template[enrolment.media].tolist(), groups, strict=True))
    return [of_units.get(unit, "") for unit in range(int(enrolment.template.max()) + 1)]


def _require_trials(sets: Sequence[ComparisonSet], given: Sequence[Recognised]) -> None:
    """Refuse sets of which none has usable trials of both kinds; one beside others is a remark."""
    lacks = {}
    for data_set, recognised in zip(sets, given, strict=True):
        rows, missing = recognised.embeddings, recognised.left_out
        known = np.isfinite(rows.sum(axis=1)) & (rows != 0).any(axis=1)
        example = next((f", as of {data_set.images[place].key!r} ({why})" for place, why in missing.items()), "")
        lack = data_set.lacking(known[data_set.first] & known[data_set.second])
        lacks[data_set.name] = (
            lack and f"{lack} ones: {int((~known).sum())} of {len(known)} embeddings are missing{example}"
        )
    _require_one_whole(lacks)


def _require_one_whole(lacks: Mapping[str, str]) -> None:
    """Refuse sets that all lack a kind of trials, given what each lacks."""
    if all(lacks.values()):
        name, lack = next(iter(lacks.items()))
        raise TrialsError(f"Expected {name} to have usable trials, mated and non-mated, but got no {lack}")
