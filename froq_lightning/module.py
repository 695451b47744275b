"""FroqModule: the wiring between a backbone, its Observer and the Trainer. `validate` calibrates, `predict` scores."""

from dataclasses import asdict, dataclass
from typing import Any, Self

import torch
from lightning.pytorch import LightningModule
from torch import Tensor

from froq_lightning.backbones.registry import BACKBONES, create_backbone, find
from froq_lightning.calibration.observer import BackboneIdentity, CalibrationSet, Observer
from froq_lightning.calibration.selection import PRESETS, PresetName, Selection, select_layers
from froq_lightning.data.records import FaceBatch, FaceSample
from froq_lightning.errors import CalibrationError, ConfigurationError, UnknownNameError
from froq_lightning.methods.froq import FroqQuality
from froq_lightning.methods.perturbation import PerturbationQuality
from froq_lightning.metrics.layer_norm_table import CalibrationTable, LayerNormTable
from froq_lightning.observation.norms import LayerNorms


@dataclass(frozen=True)
class QualityBatch:
    """Scores of the crops of a batch.

    Args:
        quality_score: `[B]` float64 on the CPU, unbounded, higher is better.
        quality: `[B]` int64, 0..100, the percentage of the calibration set that scored lower.
    """

    quality_score: Tensor
    quality: Tensor

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Move the tensors to a device; Lightning calls this where it keeps predictions."""
        return type(self)(self.quality_score.to(*args, **kwargs), self.quality.to(*args, **kwargs))


@dataclass(frozen=True)
class Calibration:
    """What `validate` found: the Observer, and the table and selection behind it.

    Args:
        observer: the artefact.
        table: layer norms and labels of the images used.
        selection: layers and scores of these images.
        left_out: the samples that this process could not use, with reasons.
    """

    observer: Observer
    table: CalibrationTable
    selection: Selection
    left_out: tuple[FaceSample, ...]


class FroqModule(LightningModule):
    """Face-image quality from a frozen face-recognition network.

    Args:
        backbone: registered name of the network; `froq backbones list` shows them.
        backbone_options: passed to the backbone's factory, such as `weights`.
        observer: Observer file to score with; without one, the Observer that ships with the backbone.
        preset: how calibration selects layers: `paper` (as published) or `distinct` (repeated layers folded, norms
            standardised).
        labeller: how calibration labels images that come without pseudo-quality.

    Attributes:
        observer: the Observer in use; after `validate`, the new one.
        calibration: what the last `validate` found.
    """

    def __init__(
        self,
        backbone: str,
        backbone_options: dict[str, Any] | None = None,
        observer: str | None = None,
        preset: PresetName = "paper",
        labeller: PerturbationQuality = PerturbationQuality(),  # noqa: B008 - immutable
    ) -> None:
        super().__init__()
        if preset not in PRESETS:
            raise UnknownNameError.among("preset", preset, PRESETS)
        options = backbone_options or {}
        plugin = find(BACKBONES, backbone)
        self.backbone = create_backbone(backbone, **options)
        self.network = self.backbone.network
        self.identity = BackboneIdentity.of(self.backbone, backbone, options, plugin.distribution, plugin.version)
        self.preset = preset
        self.labeller = labeller
        self.observer_path = observer or self.backbone.observer
        self.observer: Observer | None = None
        self.calibration: Calibration | None = None

    def setup(self, stage: str) -> None:
        """Read the Observer before any image is read."""
        if stage == "predict" and self.observer is None:
            self.observer = self.read_observer()

    def read_observer(self) -> Observer:
        """Read the Observer file and check that it was made for this backbone.

        Raises:
            ConfigurationError: if none is given and none ships with the backbone.
            ObserverError: if it is damaged, or was made for another network.
        """
        if self.observer_path is None:
            hint = "calibrate one with `froq validate` and give it as --model.observer"
            raise ConfigurationError(f"backbone {self.identity.name!r} ships no observer; {hint}")
        observer = Observer.load(self.observer_path)
        observer.require(self.backbone, self.identity)
        return observer

    def on_validation_epoch_start(self) -> None:
        """Allocate the table of layer norms, with room for the samples that a distributed sampler repeats."""
        samples = sum(len(loader.dataset) for loader in self._val_loaders())
        layers = self.backbone.candidate_layers
        self._table = LayerNormTable(samples // self.trainer.world_size + 1, len(layers)).to(self.device)
        self._norms = LayerNorms(self.network, layers)
        self._order: tuple[int, ...] = ()
        self._unobserved: dict[int, str] = {}
        self._left_out: list[FaceSample] = []
        self._labels_given = False

    def validation_step(self, batch: FaceBatch) -> None:
        """Observe all candidate layers in one pass; label the images from the same pass unless labels are given."""
        self._left_out += batch.failures
        missing = [sample.index for sample in batch.failures]
        self._table.update_missing(torch.tensor(missing, dtype=torch.int64, device=self.device))
        if not len(batch.images):
            return
        inputs = self.backbone.preprocessing(batch.images)
        with self._norms:
            seen = self._norms.observe(inputs)
        self._order, self._unobserved = seen.order, seen.failures
        self._labels_given = batch.pseudo_quality is not None
        labels = batch.pseudo_quality
        if labels is None:
            labels = self.labeller.score_pass(self.backbone, inputs, seen.output)
        self._table.update(batch.sample_index, seen.norms, labels)

    def on_validation_epoch_end(self) -> None:
        """Select the layers and build the Observer."""
        table = CalibrationTable.from_rows(self._table.compute())
        preset = PRESETS[self.preset]
        try:
            selection = select_layers(
                table.norms, table.pseudo_quality, self.backbone.candidate_layers, preset, self._order, self._unobserved
            )
        except CalibrationError as error:
            reasons = "".join(f"; {sample.key}: {sample.note}" for sample in self._left_out[:3])
            raise CalibrationError(f"{error} ({len(table.missing)} left out{reasons})") from error
        images = CalibrationSet(len(table.norms), len(table.missing), self._label_method(), self._degradations())
        self.observer = Observer.from_selection(selection, self.identity, self.preset, preset.aggregation, images)
        self.calibration = Calibration(self.observer, table, selection, tuple(self._left_out))

    def predict_step(self, batch: FaceBatch) -> QualityBatch:
        """Score the crops of a batch in one pass."""
        if self.observer is None:
            raise ConfigurationError("no observer is loaded: predict runs under a Trainer")
        if not len(batch.images):
            return QualityBatch(torch.empty(0, dtype=torch.float64), torch.empty(0, dtype=torch.int64))
        scores = FroqQuality(self.observer).score(self.backbone, batch.images).cpu()
        return QualityBatch(scores, self.observer.quality(scores))

    def _val_loaders(self) -> list[Any]:
        loaders = self.trainer.val_dataloaders
        return list(loaders) if isinstance(loaders, (list, tuple)) else [loaders]

    def _label_method(self) -> dict[str, Any]:
        return {"method": "given"} if self._labels_given else {"method": "perturbation", **self.labeller.parameters()}

    def _degradations(self) -> dict[str, Any] | None:
        degrade = getattr(getattr(self.trainer, "datamodule", None), "degrade", None)
        return {**asdict(degrade), "kinds": list(degrade.kinds)} if degrade is not None and degrade.share else None
