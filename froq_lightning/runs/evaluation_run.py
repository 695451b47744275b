"""One pass over comparison sets: embeddings and qualities of every image, then the figures."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from froq_lightning.backbones.spec import Backbone
from froq_lightning.calibration import doubts
from froq_lightning.calibration.observer import BackboneIdentity
from froq_lightning.data.comparison_set import ComparisonSet
from froq_lightning.data.face_batch import FaceBatch
from froq_lightning.data.face_dataset import TrialDataset
from froq_lightning.errors import ConfigurationError, DataError
from froq_lightning.evaluation.comparisons import Floats, Trials, compare
from froq_lightning.evaluation.evaluation import EvaluatedSet, Evaluation, MethodFacts
from froq_lightning.evaluation.result import Figures, evaluate
from froq_lightning.methods.froq import FroqQuality
from froq_lightning.methods.panel import MethodPanel
from froq_lightning.methods.quality_method import DrawnQuality
from froq_lightning.metrics.comparison_table import ComparisonTable, Enrolment, template_quality
from froq_lightning.observation.independence import require_independent_embedding
from froq_lightning.runs.processes import gathered, process_number
from froq_lightning.runs.quality_batch import NOT_FINITE

# A random method is drawn so often, unless its draws times the comparison trials are more than this.
DRAWS, DRAWN_TRIALS = 25, 2_000_000
# Fewer bootstrap samples hardly reach into the tails that a 95 % interval ends in.
ENOUGH_SAMPLES = 100


@dataclass(frozen=True)
class MethodTimes:
    """Times of the methods in one process, and which of them cannot work.

    Args:
        refusals: why a method cannot work on the network, by name.
        milliseconds: median time per image of the others.
        pass_milliseconds: median time per image of the bare forward pass; NaN if the process had no image.
    """

    refusals: dict[str, str]
    milliseconds: dict[str, float]
    pass_milliseconds: float


class EvaluationRun:
    """Gathers the images of comparison sets.

    Args:
        panel: the methods, on their network.
        sets: to compare, each with qualities from elsewhere by the same names.
        device: that holds the tables.

    Raises:
        ConfigurationError: if scores from elsewhere go by the name of a method.
        BackboneError: if the embedding of an image depends on the other images of its batch.
        DataError: if no set has mated and non-mated trials.
    """

    def __init__(
        self,
        panel: MethodPanel,
        sets: Sequence[TrialDataset],
        device: torch.device,
    ) -> None:
        if taken := [name for name in sets[0].scores if name in panel.methods]:
            raise ConfigurationError(
                f"Expected scores from elsewhere to go by other names than methods, but got {taken[0]}"
            )
        self.panel = panel
        self.sets = [each.comparisons for each in sets]
        self.given = [each.scores for each in sets]
        _require_one_whole({one.name: one.lacking() for one in self.sets})
        require_independent_embedding(panel.backbone)
        dimension = _dimension(panel.backbone, device)
        self._tables = [ComparisonTable(_enrolment(one), dimension, len(panel.methods)).to(device) for one in self.sets]
        self._left_out: list[dict[int, str]] = [{} for _ in sets]

    def add(self, batch: FaceBatch, number: int) -> None:
        """Embed the images of a batch of the set of that number, and score them by every method."""
        self._leave_out(number, {sample.index: sample.note for sample in batch.failures})
        if len(batch.images):
            scores = self.panel.score(batch.images)
            finite = scores.embeddings.isfinite().all(dim=1)
            self._leave_out(number, dict.fromkeys(batch.sample_index[~finite].tolist(), NOT_FINITE))
            self._tables[number].update(batch.sample_index[finite], scores.embeddings[finite], scores.qualities[finite])

    def _leave_out(self, number: int, reasons: dict[int, str]) -> None:
        table = self._tables[number]
        self._left_out[number] |= reasons
        table.update_missing(torch.tensor(list(reasons), dtype=torch.int64, device=table.device))

    def finish(self, identity: BackboneIdentity, figures: Figures, *, first: bool) -> Evaluation | None:
        """Compare the images of all processes, and compute the figures on the first one.

        Args:
            identity: of the network.
            figures: to compute.
            first: whether this process is the first; the others return None.

        Raises:
            DataError: if no set has mated and non-mated trials between images that gave an embedding.
        """
        gathered_tables = [table.compute() for table in self._tables]
        left_out = [gathered(part) for part in self._left_out]
        facts = self._method_times()
        self._require_trials([embeddings for embeddings, _ in gathered_tables], left_out)
        if not first:
            return None
        sets = [
            self._evaluated(number, embeddings, self._working(qualities, facts), left_out[number])
            for number, (embeddings, qualities) in enumerate(gathered_tables)
        ]
        results = [result for one in sets for result in evaluate(one.name, one.trials, one.unit_qualities, figures)]
        return Evaluation(
            backbone=identity.title(),
            pass_milliseconds=facts.pass_milliseconds,
            methods=self._methods(facts),
            sets=tuple(sets),
            conventions=figures.made(),
            fmr=figures.fmr,
            results=tuple(results),
            notes=tuple(self._notes(identity, figures)),
        )

    def _notes(self, identity: BackboneIdentity, figures: Figures) -> Iterator[str]:
        """Yield doubts about the network, the Observers of the methods, and the intervals."""
        if warning := doubts.of_weights(identity):
            yield warning
        for name, method in self.panel.methods.items():
            if isinstance(method, FroqQuality) and (doubt := doubts.of_scores(method.observer)):
                yield f"{name}: {doubt}"
        if 0 < figures.bootstrap < ENOUGH_SAMPLES:
            count = figures.bootstrap
            yield f"intervals from {count} bootstrap samples are too narrow; take {ENOUGH_SAMPLES} or more"

    def _require_trials(self, embeddings: Sequence[np.ndarray], left_out: Sequence[Mapping[int, str]]) -> None:
        """Refuse sets of which none has usable trials of both kinds; one beside others is a remark."""
        lacks = {}
        for one, rows, missing in zip(self.sets, embeddings, left_out, strict=True):
            known = np.isfinite(rows).all(axis=1) & rows.any(axis=1)
            such = next((f", as of {one.images[place].key!r} ({why})" for place, why in missing.items()), "")
            lack = one.lacking(known[one.first] & known[one.second])
            lacks[one.name] = (
                lack and f"{lack} ones: {int((~known).sum())} of {len(known)} embeddings are missing{such}"
            )
        _require_one_whole(lacks)

    def _method_times(self) -> MethodTimes:
        """Facts of the first process that had an image to score."""
        panel = self.panel
        own = MethodTimes(panel.refusals, panel.milliseconds(), panel.pass_milliseconds())
        times = sorted(gathered({process_number(): own}).items())
        return next((facts for _, facts in times if math.isfinite(facts.pass_milliseconds)), own)

    def _evaluated(
        self, number: int, embeddings: np.ndarray, qualities: dict[str, Floats], left_out: Mapping[int, str]
    ) -> EvaluatedSet:
        one, enrolment = self.sets[number], self._tables[number].enrolment
        of_images = qualities | dict(self.given[number])
        drawn = {name: self._drawn(name, values, len(one.mated)) for name, values in of_images.items()}
        scores = compare(embeddings, one.first, one.second)
        return EvaluatedSet(
            name=one.name,
            note=one.note,
            trials=Trials(scores, one.mated, one.first, one.second, one.subjects),
            images=len(one.images),
            left_out={one.images[index].key: reason for index, reason in sorted(left_out.items())},
            qualities=of_images,
            unit_qualities={name: template_quality(columns, enrolment) for name, columns in drawn.items()},
        )

    def _drawn(self, name: str, values: Floats, trials: int) -> Floats:
        """Scores of a method as columns: one, or as many draws as keep the figures of a random one affordable."""
        method = self.panel.methods.get(name)
        if not isinstance(method, DrawnQuality):
            return values[:, None]
        draws = min(DRAWS, max(1, DRAWN_TRIALS // trials))
        return method.redraw(torch.from_numpy(values), draws).numpy()

    def _working(self, qualities: Floats, facts: MethodTimes) -> dict[str, Floats]:
        named = dict(zip(self.panel.methods, qualities.T, strict=True))
        return {name: values for name, values in named.items() if name not in facts.refusals}

    def _methods(self, facts: MethodTimes) -> tuple[MethodFacts, ...]:
        milliseconds, refusals = facts.milliseconds, facts.refusals
        methods = [
            MethodFacts(
                name,
                method.parameters(),
                milliseconds.get(name, float("nan")),
                refusals.get(name, ""),
                is_random=isinstance(method, DrawnQuality),
            )
            for name, method in self.panel.methods.items()
        ]
        return (*methods, *(MethodFacts(name, {"scores": "from a file"}) for name in self.given[0]))


def _require_one_whole(lacks: Mapping[str, str]) -> None:
    """Refuse sets that all lack a kind of trials, given what each lacks."""
    if all(lacks.values()):
        name, lack = next(iter(lacks.items()))
        raise DataError(f"Expected {name} to have usable trials, mated and non-mated, but got no {lack}")


def _enrolment(one: ComparisonSet) -> Enrolment:
    if one.templates is None:
        return Enrolment.of_images(len(one.images))
    return Enrolment.of_templates(one.templates.template, one.templates.media)


@torch.no_grad()
def _dimension(backbone: Backbone, device: torch.device) -> int:
    """Number of components of an embedding."""
    black = torch.zeros((1, 3, *backbone.preprocessing.size), device=device)
    return backbone.embed(backbone.run(backbone.inputs(black))).shape[1]
