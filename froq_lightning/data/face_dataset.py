"""The crops of some images: read, aligned or checked for size, and perhaps degraded."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from froq_lightning.backbones.spec import Aligner, Pixels, Preprocessing
from froq_lightning.data.comparison_set import ComparisonSet
from froq_lightning.data.cropper import Cropper
from froq_lightning.data.degradations import Degradations
from froq_lightning.data.face_batch import FaceSample
from froq_lightning.data.image_refs import ImageRef
from froq_lightning.data.images import read_image
from froq_lightning.data.landmark_alignment import TEMPLATES
from froq_lightning.defects.components import UNKNOWN, measure
from froq_lightning.errors import ConfigurationError, ImageError
from froq_lightning.evaluation.comparisons import Floats, Integers

CROPS_TRIED = 16


class FaceDataset(Dataset[FaceSample]):
    """The crops of some images, in their order; reading one never raises for what is in its file.

    Args:
        images: to read. Those that come with landmarks are aligned by them, unless there is an aligner.
        preprocessing: of the backbone; it says how large a crop is.
        aligner: cuts the largest face out of photographs; without one the images are taken as aligned crops.
        resize: whether crops of another size are resized; if not, they are failures.
        degradations: applied to a share of the crops, or to the copies among the images.
        subjects: `[N]` numbers of the persons shown, -1 where that is not known.
        reasons: whether quality components are measured, which tell what is wrong with an image.

    Raises:
        ConfigurationError: if the landmarks do not lead to the crops that the backbone wants.
    """

    def __init__(
        self,
        images: Sequence[ImageRef],
        preprocessing: Preprocessing,
        aligner: Aligner | None = None,
        *,
        resize: bool = False,
        degradations: Degradations | None = None,
        subjects: Integers | None = None,
        reasons: bool = False,
    ) -> None:
        self.images = images
        self.preprocessing = preprocessing
        self.crop = Cropper(preprocessing, aligner, resize)
        self.degradations = degradations
        self.subjects = subjects
        self.reasons = reasons
        by_landmarks = aligner is None and len(images) > 0 and images[0].landmarks is not None
        if by_landmarks and preprocessing.alignment not in TEMPLATES:
            raise ConfigurationError(
                f"Expected a network with {' or '.join(TEMPLATES)!r} alignment, which the landmarks of the images "
                f"give, but got {preprocessing.alignment!r}; set data.aligner"
            )

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> FaceSample:
        image = self.images[index]
        if image.problem:
            return self._failure(index, image.problem)
        try:
            crop, notes, components = self._crop(image)
        except ImageError as error:
            return self._failure(index, str(error))
        if self.degradations is not None:
            crop, note = self.degradations(crop, index // (self._copies + 1), image.copy)
            notes.append(note)
        remark, subject = "; ".join(filter(None, notes)), -1 if self.subjects is None else int(self.subjects[index])
        return FaceSample(index, image.key, crop, remark, image.pseudo_quality, subject, image.copy, components)

    def __getitems__(self, indices: Sequence[int | None]) -> list[FaceSample]:
        """Read the crops of a batch; the DataLoader calls this. None stands for no crop."""
        return [self[index] for index in indices if index is not None]

    @property
    def is_labelled(self) -> bool:
        """Whether the images come with pseudo-quality."""
        return len(self.images) > 0 and self.images[0].pseudo_quality is not None

    @property
    def _copies(self) -> int:
        return (self.degradations.copies or 0) if self.degradations is not None else 0

    def origins(self) -> tuple[Tensor, Tensor]:
        """Return `[N]` int64 subjects, -1 where unknown, and sample indices of what degraded copies are made from."""
        subjects = np.full(len(self), -1) if self.subjects is None else self.subjects
        step = self._copies + 1
        return torch.from_numpy(subjects), torch.arange(len(self)) // step * step

    def require_crops(self, source: str) -> None:
        """Refuse images that are no crops once, before a run: photographs that nothing aligns or resizes.

        Images that are spread evenly over the data set are read. One of the network's size is enough, and then those
        of other sizes are failures, each with a reason; so are images that cannot be read.

        Args:
            source: of the images, for the error.

        Raises:
            ConfigurationError: if all of them are of another size.
        """
        if self.crop.aligner is not None or self.crop.resize:
            return
        height, width = self.preprocessing.size
        found = ""
        for place in range(0, len(self), -(-len(self) // CROPS_TRIED) or 1):
            image = self.images[place]
            if image.landmarks is not None:
                return
            try:
                pixels = None if image.problem else read_ref(image)[0]
            except ImageError:
                continue
            if pixels is not None and pixels.shape[:2] == (height, width):
                return
            if pixels is not None and not found:
                found = f"such as {image.key} with {pixels.shape[1]} x {pixels.shape[0]}"
        if found:
            raise ConfigurationError(
                f"Expected {width} x {height} crops with {self.preprocessing.alignment!r} alignment, but got images of "
                f"other sizes in {source}, {found}; set data.aligner for photographs, data.resize for crops"
            )

    def _failure(self, index: int, reason: str) -> FaceSample:
        components = UNKNOWN if self.reasons else None
        return FaceSample(index, self.images[index].key, None, reason, components=components)

    def _crop(self, image: ImageRef) -> tuple[Tensor, list[str], tuple[int, ...] | None]:
        pixels, note = read_ref(image)
        crop = self.crop(pixels, image.landmarks)
        components = measure(crop.pixels, pixels, crop.face) if self.reasons else None
        # In NumPy, which is three times as fast at this as torch.
        planes = np.array(crop.pixels.transpose(2, 0, 1), order="C")
        return torch.from_numpy(planes), [note, crop.remark], components


class TrialDataset(FaceDataset):
    """The crops of a comparison set, with its trials: what `test` runs on.

    Args:
        comparisons: the images and the trials between them.
        preprocessing: of the backbone.
        aligner: as in `FaceDataset`.
        resize: as in `FaceDataset`.
        scores: `[N]` quality scores from elsewhere by name, higher is better, NaN where there is none.
        groups: a column, and the N names of groups of people in it, empty where there is none; None without groups.
    """

    def __init__(
        self,
        comparisons: ComparisonSet,
        preprocessing: Preprocessing,
        aligner: Aligner | None = None,
        *,
        resize: bool = False,
        scores: Mapping[str, Floats] | None = None,
        groups: tuple[str, list[str]] | None = None,
    ) -> None:
        super().__init__(comparisons.images, preprocessing, aligner, resize=resize)
        self.comparisons = comparisons
        self.scores = dict(scores or {})
        self.groups = groups


def read_ref(image: ImageRef) -> tuple[Pixels, str]:
    """Read the `[h, w, 3]` RGB uint8 pixels of an image from its file or archive, with a note on what was changed.

    Raises:
        ImageError: if that fails.
    """
    return read_image(image.path) if image.archive is None else image.archive.read(image.position)
