"""What feeds a run: the data sets behind its loaders, and batches of whatever kind brought into one."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from lightning.pytorch import Trainer
from torch import Tensor

from froq_lightning.backbones.spec import Preprocessing
from froq_lightning.data.face_batch import FaceBatch
from froq_lightning.data.face_dataset import FaceDataset, TrialDataset
from froq_lightning.errors import ConfigurationError
from froq_lightning.methods.quality_method import SetLabeller


def listed_loaders(loaders: Any) -> list[Any]:
    """Return one loader, or several as a sequence or by name, as a list."""
    if isinstance(loaders, Mapping):
        return list(loaders.values())
    return list(loaders) if isinstance(loaders, (list, tuple)) else [loaders]


class Feed:
    """The loaders of a verb.

    Batches of tensors are numbered as a DistributedSampler hands them out, if there are several processes.

    Args:
        trainer: of the run.
        loaders: one loader or several.
        preprocessing: of the backbone.

    Raises:
        ConfigurationError: if faces were prepared for another backbone.
    """

    def __init__(self, trainer: Trainer, loaders: Any, preprocessing: Preprocessing) -> None:
        self.datasets = [loader.dataset for loader in listed_loaders(loaders)]
        self._rank, self._processes = trainer.global_rank, trainer.world_size
        self._numbered = 0
        for faces in self.datasets:
            if isinstance(faces, FaceDataset) and faces.preprocessing != preprocessing:
                raise ConfigurationError(
                    f"Expected faces that are prepared as the backbone wants them, {preprocessing}, but got "
                    f"{faces.preprocessing}; give the data module `preprocessing=module.preprocessing`"
                )

    def __len__(self) -> int:
        try:
            return sum(map(len, self.datasets))
        except TypeError:
            raise ConfigurationError(
                "Expected a data set with a length, since calibration keeps a row for every image, but got an iterable"
            ) from None

    def face_batch(self, batch: Any) -> FaceBatch:
        """Return a FaceBatch as it is; make one of a tensor of images, or of images and pseudo-quality.

        Raises:
            ConfigurationError: for anything else.
        """
        if isinstance(batch, FaceBatch):
            return batch
        images, *labels = batch if isinstance(batch, (list, tuple)) else [batch]
        if not isinstance(images, Tensor) or len(labels) > 1 or not all(isinstance(each, Tensor) for each in labels):
            raise ConfigurationError(
                "Expected batches of images [B, 3, H, W], of images and pseudo-quality [B], or FaceBatches, but got "
                f"{type(batch).__name__}"
            )
        return FaceBatch.of_tensors(images, self._numbers(images), *labels)

    def degradations(self) -> dict[str, Any] | None:
        """Say, as JSON values, how the images are degraded; None if they are not, or if that is not known."""
        made = [faces.degradations for faces in self.datasets if isinstance(faces, FaceDataset)]
        return next((each.facts() for each in made if each is not None), None)

    def require_labels(self, labeller: object) -> None:
        """Refuse images whose subjects or copies allow a labeller of sets no labels, as far as that is known.

        Raises:
            CalibrationError: saying what gives labels.
        """
        for faces in self.datasets:
            if isinstance(faces, FaceDataset) and isinstance(labeller, SetLabeller) and not faces.is_labelled:
                labeller.require_mates(*faces.origins())

    def trials(self) -> Sequence[TrialDataset]:
        """Return the comparison sets.

        Raises:
            ConfigurationError: if there are other data sets.
        """
        for each in self.datasets:
            if not isinstance(each, TrialDataset):
                raise ConfigurationError(
                    f"`test` runs on a TrialDataModule, or loaders of TrialDatasets, but got {type(each).__name__}"
                )
        return self.datasets

    def _numbers(self, images: Tensor) -> Tensor:
        places = self._numbered + torch.arange(len(images))
        self._numbered += len(images)
        return (self._rank + self._processes * places) % len(self)
