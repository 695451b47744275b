"""One pass over a calibration set: layer norms and labels of every image, then the Observer."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from froq_lightning.backbones.spec import Backbone
from froq_lightning.calibration.observer import BackboneIdentity, CalibrationSet, Observer
from froq_lightning.calibration.selection import PRESETS, PresetName, Selection, select_layers
from froq_lightning.data.records import FaceBatch, FaceSample
from froq_lightning.errors import CalibrationError
from froq_lightning.methods.panel import score_images
from froq_lightning.methods.quality_method import QualityMethod
from froq_lightning.metrics.layer_norm_table import CalibrationTable, LayerNormTable
from froq_lightning.observation.norms import LayerNorms


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


@dataclass(frozen=True)
class Labelling:
    """The quality method that labels images which come without labels, and the name it is recorded by."""

    name: str
    method: QualityMethod


class CalibrationRun:
    """Gathers the images of a calibration set.

    Args:
        backbone: the network.
        labelling: of the images that come without labels.
        rows: images that this process will see at most, repeated ones included.
        device: that holds the table.
    """

    def __init__(self, backbone: Backbone, labelling: Labelling, rows: int, device: torch.device) -> None:
        layers = backbone.candidate_layers
        self.backbone = backbone
        self.labelling = labelling
        self.left_out: list[FaceSample] = []
        self._table = LayerNormTable(rows, len(layers)).to(device)
        self._norms = LayerNorms(backbone.network, layers)
        self._order: tuple[int, ...] = ()
        self._unobserved: dict[int, str] = {}
        self._labels_given = False

    def add(self, batch: FaceBatch) -> None:
        """Observe all candidate layers in one pass; label the images from the same pass unless labels are given."""
        self.left_out += batch.failures
        missing = [sample.index for sample in batch.failures]
        self._table.update_missing(torch.tensor(missing, dtype=torch.int64, device=self._table.device))
        if not len(batch.images):
            return
        inputs = self.backbone.preprocessing(batch.images)
        with self._norms:
            seen = self._norms.observe(inputs)
        self._order, self._unobserved = seen.order, seen.failures
        self._labels_given = batch.pseudo_quality is not None
        self._table.update(batch.sample_index, seen.norms, self._labels(batch, inputs, seen.output))

    def finish(
        self, identity: BackboneIdentity, preset: PresetName, degradations: dict[str, Any] | None
    ) -> Calibration:
        """Select the layers from the images of all processes, and build the Observer.

        Raises:
            CalibrationError: if the images do not allow it.
        """
        table, rule = CalibrationTable.from_rows(self._table.compute()), PRESETS[preset]
        layers = self.backbone.candidate_layers
        try:
            selection = select_layers(table.norms, table.pseudo_quality, layers, rule, self._order, self._unobserved)
        except CalibrationError as error:
            reasons = "".join(f"; {sample.key}: {sample.note}" for sample in self.left_out[:3])
            raise CalibrationError(f"{error} ({len(table.missing)} left out{reasons})") from error
        images = CalibrationSet(len(table.norms), len(table.missing), self._label_method(), degradations)
        observer = Observer.from_selection(selection, identity, preset, rule.aggregation, images)
        return Calibration(observer, table, selection, tuple(self.left_out))

    def _labels(self, batch: FaceBatch, inputs: Tensor, output: Any) -> Tensor:
        if batch.pseudo_quality is not None:
            return batch.pseudo_quality
        return score_images(self.labelling.method, self.backbone, batch.images, inputs, output)

    def _label_method(self) -> dict[str, Any]:
        if self._labels_given:
            return {"method": "given"}
        return {"method": self.labelling.name, **self.labelling.method.parameters()}
