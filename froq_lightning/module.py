"""FroqModule: `validate` calibrates, `predict` scores, `test` evaluates, and a call scores a batch."""

import logging
from collections.abc import Iterable
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Any, Self

import torch
from lightning.pytorch import LightningModule
from torch import Tensor

from froq_lightning.backbones.memory_format import Measure
from froq_lightning.backbones.registry import create_backbone
from froq_lightning.backbones.spec import Preprocessing
from froq_lightning.calibration import observer_warnings
from froq_lightning.calibration.backbone_identity import BackboneIdentity
from froq_lightning.calibration.budget import Budget
from froq_lightning.calibration.observer import Observer
from froq_lightning.calibration.rules.registry import require_preset
from froq_lightning.data.face_batch import FaceBatch
from froq_lightning.errors import CalibrationError, ConfigurationError
from froq_lightning.evaluation.evaluate import MetricOptions
from froq_lightning.evaluation.outcome import Evaluation
from froq_lightning.extensions import BACKBONES, find
from froq_lightning.methods.froq import CompileMode, FroqQuality
from froq_lightning.methods.registry import create_labeller, create_methods
from froq_lightning.methods.scoring import MethodScorer
from froq_lightning.runs.calibration_run import Calibration, CalibrationRun, Labelling
from froq_lightning.runs.chosen_backbone import choose_backbone
from froq_lightning.runs.evaluation_run import EvaluationRun
from froq_lightning.runs.feed import Feed
from froq_lightning.runs.launcher import require_main_guard
from froq_lightning.runs.memory_layout import MemoryLayout
from froq_lightning.runs.observed_batch import ObservedBatch
from froq_lightning.runs.quality_batch import QualityBatch, ScoredBatch, score_batch
from froq_lightning.runs.recognised_batch import RecognisedBatch
from froq_lightning.runs.recogniser import FurtherBackbone, further_scorers, identity_of_scorers
from froq_lightning.runs.trainer_options import limits, require_precision


class FroqModule(LightningModule):
    """Face-image quality from a frozen face-recognition network.

    Args:
        backbone: registered name of the network, which `froq backbones list` shows; by default that of the Observer.
        backbone_options: passed to the backbone's factory, such as `weights`.
        observer: Observer file to score with; without one, the Observer that ships with the backbone.
        preset: how calibration selects layers, an installed rule: `paper` (as published), `distinct` (repeated layers
            folded, norms standardised), `ridge` (weights by ridge regression); `auto` is `ridge` for labels that come
            from comparing images, `distinct` for others.
        max_cost: the share of a forward pass, above 0 to 1, that reaching the deepest observed layer may take;
            `predict` ends its passes behind that layer.
        tolerance: how much set utility (rho with the labels) may be given up for a cheaper set of layers; with neither
            limit, the preset's own set is taken.
        labeller: what labels calibration images that come without pseudo-quality: `mated` (similarity to other images
            of the subject), `pseudo_mated` (to altered versions of the image), or a quality method, whose options go
            into a mapping `{method: name, option: value, …}`; options alone are those of `perturbation`. `auto` is
            `mated` where enough subjects are known, else `pseudo_mated`.
        methods: quality methods that `test` compares: names, or mappings `{method: name, label: …, option: value, …}`;
            `{method: froq, observer: FILE}` takes another Observer, `all` stands for every method there is.
        metrics: which metrics `test` computes.
        backbones: other networks for `test`, which compares how well the quality of each foretells the errors of each.
        channels_last: whether convolutions run channels last; by default on a CPU, if the network can; `measure` times
            both before the run and takes the faster.
        compile: whether passes of FROQ run through `torch.compile`, which takes up to minutes before the first batch,
            or its mode, such as `reduce-overhead`; not those of `test`, which serve all methods.
        embeddings: whether `predict` gives the embeddings too, whose passes are then whole ones.

    Attributes:
        copies: how many degraded copies of every calibration image the labels want.
        observer: the Observer in use, once it was read; after `validate`, the new one.
        calibration: what the last `validate` found.
        evaluation: what the last `test` found; on the first process only.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - the options of the command line
        self,
        backbone: str | None = None,
        backbone_options: dict[str, Any] | None = None,
        observer: str | None = None,
        preset: str = "auto",
        max_cost: float = 1.0,
        tolerance: float = 0.0,
        labeller: str | dict[str, Any] = "auto",
        methods: str | dict[str, Any] | tuple[str | dict[str, Any], ...] = ("froq", "embedding_norm", "random"),
        metrics: MetricOptions = MetricOptions(),  # noqa: B008 - immutable
        backbones: tuple[FurtherBackbone, ...] = (),
        channels_last: bool | Measure | None = None,
        compile: bool | CompileMode = False,  # noqa: A002 - as in `torch.compile`
        embeddings: bool = False,
    ) -> None:
        super().__init__()
        require_preset(preset)
        name, options = choose_backbone(backbone, backbone_options or {}, observer)
        plugin = find(BACKBONES, name)
        self.backbone = create_backbone(name, **options)
        self.network = self.backbone.network
        self.memory_layout, self.compiled = MemoryLayout(self.backbone, channels_last), compile
        self.identity = BackboneIdentity.of(self.backbone, name, options, plugin.distribution, plugin.version)
        self.preset, self.budget = preset, Budget(max_cost, tolerance)
        self.observer_path = observer or self.backbone.observer
        self.labelling = Labelling(*create_labeller(labeller, self.read_observer, compile=compile))
        self.copies: int = getattr(self.labelling.method, "copies", 0)
        self.methods, self.metrics, self.backbones = methods, metrics, backbones
        self.embeddings = embeddings
        self.observer: Observer | None = None
        self._resumed: Iterable[ObservedBatch] = ()
        self._quality: FroqQuality | None = None
        self._created: tuple[Any, dict[str, MethodScorer]] | None = None
        self.calibration: Calibration | None = None
        self.evaluation: Evaluation | None = None

    @property
    def preprocessing(self) -> Preprocessing:
        """How the backbone wants its faces, for the data module that feeds it."""
        return self.backbone.preprocessing

    def forward(self, images: Tensor) -> QualityBatch:
        """Score `[B, 3, H, W]` RGB crops, uint8 or floating point in 0..1, in one pass.

        Raises:
            ConfigurationError: if there is no Observer.
            ImageError: if the images are of another shape or type, or have values that are not finite or not in 0..1.
        """
        self.preprocessing.require(images)
        with torch.no_grad():
            on_device = images.to(self.backbone.device)
            return score_batch(self._froq_quality(), self.backbone, on_device, embeddings=self.embeddings)

    def train(self, mode: bool = True) -> Self:
        """Set the mode of whatever surrounds the network, which is frozen and stays in eval mode."""
        super().train(mode)
        self.network.eval()
        return self

    def __getstate__(self) -> dict[str, Any]:
        """Be sent to another process, unless that could not start."""
        require_main_guard()
        return self.__dict__

    def setup(self, stage: str) -> None:
        """Check precision and limits, lay out the network and read the Observer before any image is read."""
        limits(self.trainer, stage)
        self.precision = require_precision(self.trainer)
        self._warn(observer_warnings.weights_warning(self.identity))
        self.memory_layout.settle(self.trainer)
        self._warn(*(observer_warnings.precision_warning(each, self.precision) for each in self._observers(stage)))

    def read_observer(self, path: str | Path | None = None) -> Observer:
        """Read an Observer file, by default the module's, and check that it was made for this backbone.

        Raises:
            ConfigurationError: if none is given and none ships with the backbone.
            ObserverError: if it is damaged, or was made for another network.
        """
        path = path or self.observer_path
        if path is None:
            hint = "calibrate one with `froq validate` and give it as --model.observer"
            raise ConfigurationError(f"backbone {self.identity.name!r} ships no observer; {hint}")
        observer = Observer.load(path)
        observer.require(self.backbone, self.identity)
        return observer

    def identity_of_run(self, stage: str) -> dict[str, Any]:
        """Say, as JSON values, what the steps of a verb depend on besides the images."""
        passes = {
            "backbone": asdict(self.identity),
            "precision": self.trainer.precision,
            "channels_last": self.memory_layout.settle(self.trainer),
            "compile": self.compiled,
        }
        if stage == "validate":
            return {**passes, "labeller": self.labelling.identity()}
        if stage == "test":
            return {**passes, **identity_of_scorers(self._scorers())}
        return {**passes, "observer": (self.observer or self.read_observer()).sha256(), "embeddings": self.embeddings}

    def resume(self, batches: Iterable[ObservedBatch]) -> None:
        """Have the next `validate` start from what an earlier run of this process observed; call it after `setup`."""
        self._resumed = batches

    def on_validation_epoch_start(self) -> None:
        """Allocate the table of layer norms, with room for the samples that a distributed sampler repeats."""
        self._feed = Feed(self.trainer, self.trainer.val_dataloaders, self.preprocessing)
        self._feed.require_labels(self.labelling.method)
        rows = len(self._feed) // self.trainer.world_size + 1
        self._calibration_run = CalibrationRun(self.backbone, self.labelling, rows, self.device)
        for observed in self._resumed:
            self._calibration_run.resume(observed)
        self._resumed = ()

    def validation_step(self, batch: Any) -> dict[str, ObservedBatch]:
        """Observe and label the images of a batch: a FaceBatch, or tensors of images and of pseudo-quality."""
        return {"observed": self._calibration_run.add(self._feed.face_batch(batch))}

    def on_validation_epoch_end(self) -> None:
        """Select the layers and build the Observer."""
        settings = (self.identity, self.preset, self.budget, self._feed.degradations(), self.precision)
        try:
            self.calibration = self._calibration_run.finish(*settings)
        except CalibrationError as error:
            limited = [f"trainer.{option} is {limit}" for option, limit in limits(self.trainer, "validate").items()]
            raise CalibrationError("; ".join([str(error), *limited])) from error
        self.observer = self.calibration.observer
        # Every process found the same; without `sync_dist` Lightning warns.
        self.log("set_utility", self.observer.set_utility, sync_dist=True)
        rho = self.calibration.selection.cross_validated.rho
        self.log("set_utility_cv", float("nan") if rho is None else rho, sync_dist=True)

    def on_predict_epoch_start(self) -> None:
        """Look at the data."""
        self._feed = Feed(self.trainer, self.trainer.predict_dataloaders, self.preprocessing)

    def predict_step(self, batch: Any) -> ScoredBatch:
        """Score the crops of a batch, a FaceBatch or a tensor of images, in one pass; every image gets a row."""
        faces = self._feed.face_batch(batch)
        scores = score_batch(self._froq_quality(), self.backbone, faces.images, embeddings=self.embeddings)
        return ScoredBatch.of(faces, scores)

    def on_test_start(self) -> None:
        """Look at the data and the networks."""
        sets = Feed(self.trainer, self.trainer.test_dataloaders, self.preprocessing).trials()
        # A later run makes its own, however this one ends.
        scorers, self._created = self._scorers(), None
        self.evaluation_run = EvaluationRun(scorers, sets, self.device)

    def test_step(self, batch: FaceBatch, batch_idx: int, dataloader_idx: int = 0) -> dict[str, RecognisedBatch]:
        """Embed the images of a batch, and score them by every method."""
        del batch_idx
        return {"recognised": self.evaluation_run.add(batch, dataloader_idx)}

    def on_test_epoch_end(self) -> None:
        """Compare, and compute the metrics."""
        self.evaluation = self.evaluation_run.finish(self.identity, self.metrics)
        for result in self.evaluation.results if self.evaluation else ():
            name = f"{result.data_set}/{result.method}/{result.convention}@{result.fmr:g}"
            self.log(name, result.value, rank_zero_only=True)

    def _warn(self, *warnings: str) -> None:
        for warning in filter(None, dict.fromkeys(warnings)):
            if self.trainer.is_global_zero:
                logging.getLogger(__name__).warning("warning: %s", warning)

    def _observers(self, stage: str) -> list[Observer]:
        """Return the Observers that a verb scores with."""
        if stage == "predict":
            return [self._froq_quality().observer]
        scorers = self._scorers().values() if stage == "test" else ()
        methods = chain.from_iterable(scorer.methods.values() for scorer in scorers)
        return [method.observer for method in methods if isinstance(method, FroqQuality)]

    def _scorers(self) -> dict[str, MethodScorer]:
        """Return the methods of `test` on the network, by the name "", and on further networks, by theirs."""
        settings = (self.methods, self.backbones, self.observer_path)
        if self._created is None or self._created[0] != settings:
            methods = create_methods(self.methods, self.read_observer, compile=self.compiled)
            layout = {"channels_last": self.memory_layout.settle(self.trainer), "compiled": bool(self.compiled)}
            others = further_scorers(self.backbones, self.trainer.strategy.root_device, **layout)
            self._created = settings, {"": MethodScorer(self.backbone, methods), **others}
        return self._created[1]

    def _froq_quality(self) -> FroqQuality:
        """Return the method that scores by the Observer in use, which is read when it is first needed."""
        self.observer = self.observer or self.read_observer()
        if self._quality is None or self._quality.observer is not self.observer:
            self._quality = FroqQuality(self.observer, self.compiled)
        return self._quality
