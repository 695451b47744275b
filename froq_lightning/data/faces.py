"""Face crops of a source as a LightningDataModule: read, aligned or checked for size, and perhaps degraded."""

import os
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from lightning.pytorch import LightningDataModule
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from froq_lightning.backbones.registry import create_aligner
from froq_lightning.backbones.spec import Aligner, Backbone, Pixels, Preprocessing
from froq_lightning.data.degradations import Degradations
from froq_lightning.data.images import read_image
from froq_lightning.data.listing import list_faces, with_labels
from froq_lightning.data.records import FaceBatch, FaceRecord, FaceSample, collate
from froq_lightning.data.samples import PREFIX, write_samples
from froq_lightning.errors import ConfigurationError, ImageError


class FaceDataset(Dataset[FaceSample]):
    """The crops of some records, in their order; reading one never raises for what is in its file.

    Args:
        records: the images.
        preprocessing: of the backbone; it says how large a crop is.
        aligner: cuts the largest face out of photographs; without one the images are taken as aligned crops.
        resize: whether crops of another size are resized; if not, they are failures.
        degradations: applied to a share of the crops.
    """

    def __init__(
        self,
        records: Sequence[FaceRecord],
        preprocessing: Preprocessing,
        aligner: Aligner | None = None,
        *,
        resize: bool = False,
        degradations: Degradations | None = None,
    ) -> None:
        self.records = records
        self.preprocessing = preprocessing
        self.aligner = aligner
        self.resize = resize
        self.degradations = degradations

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, index: int) -> FaceSample:
        record = self.records[index]
        if record.problem:
            return FaceSample(index, record.key, None, record.problem)
        try:
            image, notes = self._crop(record.path)
        except ImageError as error:
            return FaceSample(index, record.key, None, str(error))
        if self.degradations is not None:
            image, note = self.degradations(image, index)
            notes.append(note)
        return FaceSample(index, record.key, image, "; ".join(filter(None, notes)), record.pseudo_quality)

    def _crop(self, path: Path) -> tuple[Tensor, list[str]]:
        pixels, note = read_image(path)
        crop, fitted = self._fit(pixels) if self.aligner is None else self._align(self.aligner, pixels)
        return torch.from_numpy(np.array(crop)).permute(2, 0, 1).contiguous(), [note, fitted]

    def _align(self, aligner: Aligner, pixels: Pixels) -> tuple[Pixels, str]:
        face = aligner(pixels)
        if face is None:
            raise ImageError("no face found")
        return face.image, f"{face.faces_found} faces, took the largest" if face.faces_found > 1 else ""

    def _fit(self, pixels: Pixels) -> tuple[Pixels, str]:
        height, width = self.preprocessing.size
        if pixels.shape[:2] == (height, width):
            return pixels, ""
        found = f"{pixels.shape[1]} x {pixels.shape[0]}"
        if not self.resize:
            wanted = f"{width} x {height} crop with {self.preprocessing.alignment!r} alignment"
            raise ImageError(
                f"expected a {wanted}, got {found}; set data.aligner for photographs, data.resize for crops"
            )
        resized = Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC)
        return np.array(resized), f"resized from {found}"


class FaceDataModule(LightningDataModule):
    """Feeds calibration (`validate`) and scoring (`predict`) with the faces of one source.

    Args:
        source: folder of images, one image, a CSV or Parquet manifest (columns `path`, perhaps `pseudo_quality`), or
            "sample:astronaut".
        labels: CSV or Parquet with columns `path` and `pseudo_quality` for the images of the source; without labels
            `validate` makes them in the same pass.
        root: folder that a manifest's paths are relative to; by default the manifest's own.
        aligner: registered name of an aligner (such as `dlib`) for photographs; without one, images are aligned crops.
        resize: whether crops of another size than the network's are resized; otherwise they are rows with a reason.
        degrade: degradations that diversify a calibration set of good photographs; `predict` ignores them.
        batch_size: images per step.
        workers: processes that read images; by default one less than there are cores, 8 at most.
    """

    def __init__(
        self,
        source: str,
        labels: str | None = None,
        root: str | None = None,
        aligner: str | None = None,
        resize: bool = False,
        degrade: Degradations = Degradations(share=0.0),  # noqa: B008 - immutable
        batch_size: int = 32,
        workers: int | None = None,
    ) -> None:
        super().__init__()
        if batch_size < 1:
            raise ConfigurationError(f"Expected `batch_size` to be at least 1, but got {batch_size}")
        if workers is not None and workers < 0:
            raise ConfigurationError(f"Expected `workers` to be at least 0, but got {workers}")
        self.source = source
        self.labels = labels
        self.root = root
        self.aligner = aligner
        self.resize = resize
        self.degrade = degrade
        self.batch_size = batch_size
        self.workers = min(8, (os.cpu_count() or 1) - 1) if workers is None else workers

    def setup(self, stage: str) -> None:
        """List the source and, for `validate`, its labels; called by the Trainer."""
        if self.trainer is None:
            raise ConfigurationError("FaceDataModule is set up by a Trainer; for single images use QualityScorer")
        preprocessing = cast("Backbone", self.trainer.lightning_module.backbone).preprocessing
        calibrating = stage == "validate"
        records = self._records(Path(self.trainer.default_root_dir))
        if calibrating and self.labels is not None:
            records = with_labels(records, self.labels)
        if not calibrating:
            records = [replace(record, pseudo_quality=None, problem="") for record in records]
        self.labelled = any(record.pseudo_quality is not None for record in records)
        aligner = self.aligner and create_aligner(self.aligner, preprocessing.alignment, preprocessing.size)
        degradations = self.degrade if calibrating and self.degrade.share else None
        self.faces = FaceDataset(records, preprocessing, aligner or None, resize=self.resize, degradations=degradations)

    def val_dataloader(self) -> DataLoader[FaceBatch]:
        """Batches for calibration, in the order of the source."""
        return self._loader()

    def predict_dataloader(self) -> DataLoader[FaceBatch]:
        """Batches for scoring, in the order of the source."""
        return self._loader()

    def _records(self, run_folder: Path) -> list[FaceRecord]:
        if self.source.startswith(PREFIX):
            return [FaceRecord(path.name, path) for path in write_samples(self.source, run_folder / "photographs")]
        return list_faces(self.source, self.root)

    def _loader(self) -> DataLoader[Any]:
        return DataLoader(
            self.faces,
            batch_size=self.batch_size,
            num_workers=self.workers,
            collate_fn=partial(collate, size=self.faces.preprocessing.size, labelled=self.labelled),
            pin_memory=torch.cuda.is_available(),
        )
