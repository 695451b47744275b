"""The contract of a report section: one file with its chart and its part of the page, found by entry point."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Literal

from markupsafe import Markup

from froq_lightning.backbones.spec import Backbone
from froq_lightning.callbacks.results_table import ResultsTable, results_tables
from froq_lightning.data.face_batch import FaceSample
from froq_lightning.data.face_dataset import FaceDataset
from froq_lightning.data.image_refs import ImageRef
from froq_lightning.evaluation.outcome import Evaluation
from froq_lightning.module import FroqModule
from froq_lightning.reporting.palette import Stroke
from froq_lightning.reporting.prediction_summary import PredictionSummary, subject_name, summarise
from froq_lightning.runs.calibration_run import Calibration
from froq_lightning.runs.prediction import Prediction
from froq_lightning.runs.quality_batch import ScoredRow

# Gives an image of a data set by its position.
Reader = Callable[[int], FaceSample]
# Crops that are kept once they are read, since several sections show the same.
CROPS_KEPT = 512
Page = Literal["calibration", "evaluation", "prediction"]


@dataclass(frozen=True)
class Part:
    """A part of a page, with a link to it at the top.

    Args:
        anchor: identifier that the link leads to, unique on the page.
        title: of the link.
        content: of the part, from its `<h2>` on. Build it with `page.fill`, which escapes names.
        script: JavaScript that the page runs at its end; its hash goes into the policy of the page, so that no other
            script runs. The page must be of use without it.
        data: JSON values for the script, which finds them as text of the element `ANCHOR-data`.
    """

    anchor: str
    title: str
    content: Markup
    script: str = ""
    data: Any = None


@dataclass(frozen=True)
class Section:
    """What adds parts to a page of a report.

    Args:
        page: "calibration", "evaluation" or "prediction".
        position: sections stand by rising position; the built-in ones have 10, 20, 30, …
        render: takes the CalibrationContext, EvaluationContext or PredictionContext of the page, and gives its parts:
            none if there is nothing to show. Their content needs no script, no network and no other file.
    """

    page: Page
    position: int
    render: Callable[[Any], Iterable[Part]]


@dataclass(frozen=True)
class LayerRow:
    """A candidate layer after calibration.

    Args:
        position: in execution order, from 1.
        name: dotted module name.
        kind: class of the module; empty if that is not known.
        utility: Spearman's rho of its norms with the pseudo-quality; None if it was left out.
        cost: share of a forward pass that reaching it takes; None if that is not known.
        repeats: the first layer with the same norms; empty if there is none.
        reason: why it was left out; empty if it was not.
        number: in the greedy search, or else in the order of the choice, from 1; 0 if it was not reached.
        chosen: whether it is observed.
    """

    position: int
    name: str
    kind: str
    utility: float | None
    cost: float | None
    repeats: str
    reason: str
    number: int
    chosen: bool


@dataclass(frozen=True)
class CalibrationContext:
    """What the sections of a calibration page show.

    Args:
        calibration: what `validate` found.
        backbone: that was calibrated.
        read: gives an image by its position; None if there is no source to read from.
        ends: number of images shown at either end of a ranking.
    """

    calibration: Calibration
    backbone: Backbone
    read: Reader | None
    ends: int

    @cached_property
    def layers(self) -> tuple[LayerRow, ...]:
        """All candidate layers, in execution order."""
        selection, modules = self.calibration.selection, dict(self.backbone.network.named_modules())
        order = [step.layer for step in selection.trajectory] or selection.layers
        numbers = {name: number for number, name in enumerate(order, 1)}
        return tuple(
            LayerRow(
                position=position,
                name=layer.name,
                kind=type(modules[layer.name]).__name__ if layer.name in modules else "",
                utility=layer.utility,
                cost=selection.costs.get(layer.name),
                repeats=layer.repeats,
                reason=layer.reason,
                number=numbers.get(layer.name, 0),
                chosen=layer.name in selection.layers,
            )
            for position, layer in enumerate(selection.candidates, 1)
        )

    def layer(self, name: str) -> LayerRow:
        """Return the layer of that name."""
        return next(layer for layer in self.layers if layer.name == name)


@dataclass(frozen=True)
class EvaluationContext:
    """What the sections of an evaluation page show.

    Args:
        evaluation: what `test` found.
        readers: for every data set, what gives an image by its position.
        ends: number of images shown at either end of a ranking.
    """

    evaluation: Evaluation
    readers: Sequence[Reader]
    ends: int

    @cached_property
    def strokes(self) -> dict[str, Stroke]:
        """How the lines of the methods that work are drawn, by method."""
        return {method.name: Stroke.of(number) for number, method in enumerate(self.evaluation.working())}

    @cached_property
    def tables(self) -> tuple[ResultsTable, ...]:
        """The results by convention and FMR."""
        return tuple(results_tables(self.evaluation))


@dataclass(frozen=True)
class PredictionContext:
    """What the sections of a prediction page show.

    Args:
        prediction: what `predict` found; `rows` gives a row for every image.
        module: that scored, with its backbone and its Observer.
        faces: the images; None if there is no source to read from.
        ends: number of best images shown; 0 for a page without images.
        worst: number of worst images shown, if there are images at all.
        explained: of these, number of the worst whose maps of quality are shown.
        batch_size: images in a pass, for sections that run the network.
    """

    prediction: Prediction
    module: FroqModule
    faces: FaceDataset | None
    ends: int
    worst: int
    explained: int = 0
    batch_size: int = 32

    @cached_property
    def read(self) -> Reader | None:
        """Gives the crop of an image by its `sample_index`, as the network saw it; None without a source."""
        return None if self.faces is None else lru_cache(CROPS_KEPT)(self.faces.__getitem__)

    @cached_property
    def summary(self) -> PredictionSummary:
        """Counts, ends and best shots, from one pass over the rows."""
        return summarise(self.prediction, self._images, max(self.ends, self.worst, 1))

    def subject(self, row: ScoredRow) -> str:
        """Return the name of the subject of an image, as in `summary.best_shots`; empty if it is not known."""
        return subject_name(self._images, row.sample_index)

    @property
    def worst_rows(self) -> list[ScoredRow]:
        """The rows of the worst images, the very worst first."""
        return self.summary.ranking.best_first()[::-1][: self.worst if self.ends else 0]

    @property
    def best_rows(self) -> list[ScoredRow]:
        """The rows of the best images that are not among the worst, the very best first."""
        others = max(self.summary.ranking.count - len(self.worst_rows), 0)
        return self.summary.ranking.best_first()[: min(self.ends, others)]

    @property
    def _images(self) -> Sequence[ImageRef] | None:
        return None if self.faces is None else self.faces.images


Context = CalibrationContext | EvaluationContext | PredictionContext
PAGES: dict[type, Page] = {
    CalibrationContext: "calibration",
    EvaluationContext: "evaluation",
    PredictionContext: "prediction",
}
