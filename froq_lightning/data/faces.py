"""Face crops of a source as a LightningDataModule, for `validate` and `predict`."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from lightning.pytorch import LightningDataModule, Trainer
from torch.utils.data import DataLoader

from froq_lightning.backbones.registry import create_aligner
from froq_lightning.backbones.spec import Backbone
from froq_lightning.data.degradations import Degradations
from froq_lightning.data.face_dataset import FaceDataset
from froq_lightning.data.formats.record_subjects import with_subjects
from froq_lightning.data.listing import Listing, list_source, with_copies, with_labels
from froq_lightning.data.loading import BatchSize, face_loader, images_at_once, require_loading
from froq_lightning.data.records import FaceBatch, FaceRecord
from froq_lightning.data.samples import PREFIX, write_samples
from froq_lightning.data.sharing import shared_among_processes
from froq_lightning.data.subjects import subject_numbers
from froq_lightning.errors import ConfigurationError
from froq_lightning.evaluation.comparisons import Integers


class FaceDataModule(LightningDataModule):
    """Feeds calibration (`validate`) and scoring (`predict`) with the faces of one source.

    Args:
        source: folder of images, one image, a manifest (columns `path`, perhaps `pseudo_quality`) or list of paths, an
            archive (RecordIO, insightface .bin, AdaFace memfile), or "sample:astronaut".
        labels: table with columns `path` and `pseudo_quality` for the images of the source, or any file of scores
            (higher is better), such as of OFIQ; without labels `validate` makes them.
        root: folder that a manifest's paths are relative to, and must not lead out of; by default the manifest's own,
            which they may lead out of.
        aligner: registered name of an aligner (such as `dlib`) for photographs; without one, images are aligned crops.
        resize: whether crops of another size than the network's are resized; otherwise they are rows with a reason.
        degrade: degradations that make a calibration set of good photographs span the range of quality; by default of a
            copy of every image, if the labels want copies. `predict` ignores them.
        batch_size: images per step; `auto` takes the number that the network is fastest at, found before the run.
        workers: processes that read images; by default one less than there are cores, 8 at most.

    Attributes:
        labelled: after `setup`, whether the images come with labels.
        faces: after `setup`, the crops, copies of them included.
    """

    def __init__(
        self,
        source: str,
        labels: str | None = None,
        root: str | None = None,
        aligner: str | None = None,
        resize: bool = False,
        degrade: Degradations = Degradations(share=0.0),  # noqa: B008 - immutable
        batch_size: BatchSize = 32,
        workers: int | None = None,
    ) -> None:
        super().__init__()
        self.source = source
        self.labels = labels
        self.root = root
        self.aligner = aligner
        self.resize = resize
        self.degrade = degrade
        self.batch_size = batch_size
        self.workers = require_loading(batch_size, workers)
        self._skipped = 0

    def setup(self, stage: str) -> None:
        """List the source and, for `validate`, its labels; called by the Trainer."""
        if self.trainer is None:
            raise ConfigurationError("FaceDataModule is set up by a Trainer; for single images use QualityScorer")
        preprocessing = cast("Backbone", self.trainer.lightning_module.backbone).preprocessing
        self._skipped = 0
        calibrating = stage == "validate"
        listing = self._listed(Path(self.trainer.default_root_dir), labelled=calibrating and self.labels is None)
        degrade = self._degradations(labelled=self.labels is not None or listing.records[0].pseudo_quality is not None)
        records, subjects = listing.records, None
        if calibrating:
            records, subjects = self._for_calibration(records, degrade.copies or 0)
        self.labelled = records[0].pseudo_quality is not None
        aligner = self.aligner and create_aligner(self.aligner, preprocessing.alignment, preprocessing.size)
        self.faces = FaceDataset(
            records,
            preprocessing,
            aligner or None,
            resize=self.resize,
            degradations=degrade if calibrating and degrade.is_on else None,
            subjects=subjects,
        )
        self.faces.require_crops(self.source)
        if listing.passed_over and self.trainer.is_global_zero:
            print(f"passed over in {self.source}: {listing.passed_over}", flush=True)

    def val_dataloader(self) -> DataLoader[FaceBatch]:
        """Batches for calibration, in the order of the source; processes share them without repeating any."""
        return self._loader(labelled=self.labelled)

    def predict_dataloader(self) -> DataLoader[FaceBatch]:
        """Batches for scoring, in the order of the source; processes share them without repeating any."""
        return self._loader(labelled=False)

    def skip(self, steps: Sequence[int]) -> None:
        """Leave out what an earlier run of this process did; call it after `setup`.

        Args:
            steps: number of samples in each of that run's batches. Where `batch_size` is "auto", the first one is taken
                for all: batches of another size may round scores differently.
        """
        self._skipped = sum(steps)
        if steps and self.batch_size == "auto":
            self.batch_size = steps[0]

    def identity(self) -> dict[str, Any]:
        """Say, as JSON values, what the batches depend on besides the names of the images."""
        first = self.faces.records[0]
        stat = first.path.stat() if first.archive is not None else None
        return {
            "source": self.source,
            "root": self.root,
            "archive": None if stat is None else [stat.st_size, stat.st_mtime_ns],
            "labels": self._digest_of_labels() if self.labelled else None,
            "aligner": self.aligner,
            "resize": self.resize,
            "degrade": None if self.faces.degradations is None else asdict(self.faces.degradations),
            "batch_size": self.batch_size,
            "subjects": None if self.faces.subjects is None else _digest(self.faces.subjects.tobytes()),
        }

    def _degradations(self, *, labelled: bool) -> Degradations:
        """Settle how many copies there are."""
        if self.degrade.copies is not None:
            return self.degrade
        module = cast("Trainer", self.trainer).lightning_module
        wanted = 0 if labelled else getattr(module, "copies", 0)
        return replace(self.degrade, copies=wanted)

    def _for_calibration(self, records: Sequence[FaceRecord], copies: int) -> tuple[Sequence[FaceRecord], Integers]:
        """Add what `validate` alone wants: degraded copies, and labels that are given; number the subjects."""
        records = with_subjects(records)
        subjects = subject_numbers([record.subject for record in records]).repeat(copies + 1)
        if copies:
            records = with_copies(records, copies)
        if self.labels is not None:
            records = with_labels(records, self.labels)  # labels without an image come last
            subjects = np.concatenate([subjects, np.full(len(records) - len(subjects), -1)])
        return records, subjects

    def _digest_of_labels(self) -> str:
        labels = [(record.pseudo_quality, record.problem) for record in self.faces.records]
        return _digest(repr(labels).encode())

    def _loader(self, *, labelled: bool) -> DataLoader[FaceBatch]:
        sampler = shared_among_processes(self.faces, self.trainer, self._skipped)
        size = images_at_once(self.batch_size, self.trainer)
        return face_loader(self.faces, size, self.workers, labelled=labelled, sampler=sampler)

    def _listed(self, run_folder: Path, *, labelled: bool) -> Listing:
        if self.source.startswith(PREFIX):
            written = write_samples(self.source, run_folder / "photographs")
            return Listing([FaceRecord(path.name, path) for path in written])
        return list_source(self.source, self.root, labelled=labelled)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
