"""Face crops of a source as a LightningDataModule, for `validate` and `predict`."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from lightning.pytorch import LightningDataModule
from torch.utils.data import DataLoader

from froq_lightning.backbones.spec import Preprocessing
from froq_lightning.data.comparison_set import subject_numbers
from froq_lightning.data.degradations import Degradations
from froq_lightning.data.face_batch import FaceBatch
from froq_lightning.data.face_dataset import FaceDataset
from froq_lightning.data.image_copies import WithCopies
from froq_lightning.data.image_refs import ImageRef, Names, archive_stamp, subjects_in_order
from froq_lightning.data.image_sampling import ImageSampling, Strata
from froq_lightning.data.score_files import with_labels
from froq_lightning.datamodules.loading import (
    BatchSize,
    Step,
    aligner_for,
    face_loader,
    print_passed_over,
    require_loading,
    share_of,
    skipped,
)
from froq_lightning.errors import ConfigurationError
from froq_lightning.evaluation.comparisons import Integers
from froq_lightning.journal.part import Part
from froq_lightning.sources.source import read_faces
from froq_lightning.terminal import Line, show


class FaceDataModule(LightningDataModule):
    """Feeds calibration (`validate`) and scoring (`predict`) with the faces of one source.

    Args:
        source: folder of images, one image, a manifest (columns `path`, perhaps `pseudo_quality`) or list of paths, an
            archive (tar files, Parquet, RecordIO, insightface .bin, AdaFace memfile), perhaps in an object store
            (`s3://…`), "sample:astronaut", or whatever an installed source reads.
        preprocessing: of the backbone; it says how large crops are, and how they are aligned.
        labels: table with columns `path` and `pseudo_quality` for the images of the source, or any file of scores
            (higher is better), such as of OFIQ; without labels `validate` makes them.
        root: folder that a manifest's paths are relative to, and must not lead out of; by default the manifest's own,
            which they may lead out of.
        aligner: registered name of an aligner (such as `dlib`) for photographs; without one, images are aligned crops.
        resize: whether crops of another size than the network's are resized; otherwise they are rows with a reason.
        degrade: degradations that make a calibration set of good photographs span the range of quality; by default of a
            copy of every image, if the labels want copies. `predict` ignores them.
        copies: how many degraded copies of every image the labels want (`FroqModule.copies`), unless `degrade` says
            another number, or the images come with labels.
        batch_size: images per step; `auto` takes the number that the network is fastest at, found before the run.
        workers: processes that read images; by default one less than there are cores, 8 at most.
        reasons: whether `predict` measures quality components too, which tell what is wrong with an image.
        part: of the images that `predict` scores, such as 17/1000; by default all. The batches are those of a run over
            all images, so that `batch_size` must be a number.
        sample: how many images `validate` draws at random from the source; by default it takes all.
        stratify: what the sample is balanced by: `subject` draws subjects that have mates, and about 4 images of each;
            `size` equally many images of every doubling of the shorter side. By default all images are drawn alike.
        seed: of the sample.

    Attributes:
        faces: after `setup`, the crops, copies of them included.
        sampling: how images are drawn; None if all are taken.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - the options of the command line
        self,
        source: str,
        preprocessing: Preprocessing,
        labels: str | None = None,
        root: str | None = None,
        aligner: str | None = None,
        resize: bool = False,
        degrade: Degradations = Degradations(share=0.0),  # noqa: B008 - immutable
        copies: int = 0,
        batch_size: BatchSize = 32,
        workers: int | None = None,
        reasons: bool = False,
        part: str | None = None,
        sample: int | None = None,
        stratify: Strata | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.source = source
        self.preprocessing = preprocessing
        self.labels = labels
        self.root = root
        self.aligner = aligner
        self.resize = resize
        self.degrade = degrade
        self.copies = copies
        self.batch_size = batch_size
        self.workers = require_loading(batch_size, workers)
        self.reasons = reasons
        self.part = None if part is None else Part.parse(part)
        if self.part is not None and batch_size == "auto":
            raise ConfigurationError(
                "Expected a number as `batch_size` where a part is scored, but got auto: all parts must have the same "
                "batches, or they would not make the scores of one run"
            )
        if sample is None and stratify is not None:
            raise ConfigurationError(f"Expected `sample`, how many images to draw, with `stratify` {stratify!r}")
        self.sampling = None if sample is None else ImageSampling(sample, stratify, seed)
        self._skipped = 0

    def setup(self, stage: str) -> None:
        """List the source and, for `validate`, its labels; called by the Trainer."""
        self._skipped = 0
        calibrating = stage == "validate"
        if calibrating and self.part is not None:
            raise ConfigurationError(f"Expected all images for a calibration, but got part {self.part}")
        if not calibrating and self.sampling is not None:
            raise ConfigurationError(
                f"Expected data.sample for `validate` alone, since `predict` scores all images, but got "
                f"{self.sampling.images}"
            )
        run_folder = Path(self.trainer.default_root_dir if self.trainer else ".")
        found = read_faces(
            self.source,
            self.root,
            with_labels=calibrating and self.labels is None,
            with_subjects=calibrating,
            scratch=run_folder,
        )
        images, subjects, degrade = found.images, None, None
        if calibrating:
            images = self._drawn(images)
            degrade = self._degradations(labelled=self.labels is not None or images[0].pseudo_quality is not None)
            images, subjects = self._for_calibration(images, degrade.copies or 0)
        self.faces = FaceDataset(
            images,
            self.preprocessing,
            aligner_for(self.aligner, self.preprocessing),
            resize=self.resize,
            degradations=degrade if degrade is not None and degrade.is_on else None,
            subjects=subjects,
            reasons=self.reasons and not calibrating,
        )
        self.faces.require_crops(self.source)
        print_passed_over(self.source, found.passed_over, self.trainer)

    def val_dataloader(self) -> DataLoader[FaceBatch]:
        """Batches for calibration, in the order of the source; processes share them without repeating any."""
        sampler = share_of(self.faces, self.trainer, self._skipped, self.positions())
        return face_loader(self.faces, self.batch_size, self.workers, sampler)

    predict_dataloader = val_dataloader

    def positions(self) -> range:
        """Return the positions of the images that are fed, by all processes; call it after `setup`."""
        if self.part is None or self.batch_size == "auto":
            return range(len(self.faces))
        return self.part.share(len(self.faces), self.batch_size * (self.trainer.world_size if self.trainer else 1))

    def skip(self, steps: Sequence[Step]) -> None:
        """Leave out what an earlier run of this process did; call it after `setup`; see `skipped`."""
        (self._skipped,), self.batch_size = skipped(steps, 1, self.batch_size)

    def names(self) -> Sequence[str]:
        """Return the names of the images in their order; call it after `setup`."""
        return Names(self.faces.images)

    def identity(self) -> dict[str, Any]:
        """Say, as JSON values, what the batches depend on besides the names of the images."""
        first = self.faces.images[0]
        return {
            "source": self.source,
            "root": self.root,
            "archive": archive_stamp(first),
            "labels": self._digest_of_labels() if first.pseudo_quality is not None else None,
            "aligner": self.aligner,
            "resize": self.resize,
            "degrade": None if self.faces.degradations is None else asdict(self.faces.degradations),
            "batch_size": self.batch_size,
            "reasons": self.faces.reasons,
            "subjects": None if self.faces.subjects is None else _digest(self.faces.subjects.tobytes()),
            **({} if self.sampling is None else {"sample": asdict(self.sampling)}),
        }

    def _drawn(self, images: Sequence[ImageRef]) -> Sequence[ImageRef]:
        """Draw the images of a calibration, if not all are wanted, and print how many of how many."""
        if self.sampling is None:
            return images
        sample = self.sampling.draw(images)
        if self.trainer is None or self.trainer.is_global_zero:
            show(Line(sample.description, "status"))
        return sample.images

    def _degradations(self, *, labelled: bool) -> Degradations:
        """Settle how many copies there are."""
        if self.degrade.copies is not None:
            return self.degrade
        return replace(self.degrade, copies=0 if labelled else self.copies)

    def _for_calibration(self, images: Sequence[ImageRef], copies: int) -> tuple[Sequence[ImageRef], Integers]:
        """Add what `validate` alone wants: degraded copies, and labels that are given; number the subjects."""
        subjects = subject_numbers(subjects_in_order(images)).repeat(copies + 1)
        if copies:
            images = WithCopies(images, copies)
        if self.labels is not None:
            # Labels without an image come last. Of a sample, they may be those of images that were not drawn.
            images = with_labels(images, self.labels, only_images=self.sampling is not None)
            subjects = np.concatenate([subjects, np.full(len(images) - len(subjects), -1)])
        return images, subjects

    def _digest_of_labels(self) -> str:
        """Digest the text of the list of all labels and problems, without making that list."""
        digest, separator = hashlib.sha256(b"["), ""
        for image in self.faces.images:
            digest.update(f"{separator}{(image.pseudo_quality, image.problem)!r}".encode())
            separator = ", "
        digest.update(b"]")
        return digest.hexdigest()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
