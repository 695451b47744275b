"""QualityScorer: an Observer and its network as one callable that takes what people have."""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import count, islice
from pathlib import Path
from threading import Lock
from typing import Any, Self

import torch
from torch import Tensor, nn

from froq_lightning.backbones.memory_format import set_memory_format
from froq_lightning.backbones.registry import create_aligner
from froq_lightning.backbones.spec import Aligner, Backbone
from froq_lightning.calibration.observer import Observer
from froq_lightning.calibration.observer_warnings import precision_warning
from froq_lightning.calibration.precision import Precision
from froq_lightning.data.cropper import Cropper
from froq_lightning.data.face_batch import FaceBatch, FaceSample, collate
from froq_lightning.errors import ConfigurationError, ImageError
from froq_lightning.methods.explanation import at_crop_size, quality_map
from froq_lightning.methods.froq import FroqQuality
from froq_lightning.module import FroqModule
from froq_lightning.runs.quality_batch import FAILED, ScoredBatch, score_batch
from froq_lightning.scorer.gate import Gate
from froq_lightning.scorer.images import is_one_image, measure_crops, read_sample
from froq_lightning.scorer.watch import Watch

AUTOCAST: dict[Precision, torch.dtype | None] = {
    "32-true": None,
    "bf16-mixed": torch.bfloat16,
    "16-mixed": torch.float16,
}
# Neither aligners nor Pillow's warnings are made for several threads.
_one_reads = Lock()


class QualityScorer:
    """Scores images: `scorer(images)`. It needs no Trainer and writes no files.

    Threads may share it and its network: they take turns in reading images, and in passes. It can be pickled. At the
    same batch size, its scores are those of `froq predict` bit for bit.

    Args:
        backbone: the network.
        observer: made for it.
        aligner: for photographs, an aligner or its registered name, such as "dlib"; without one, images are aligned
            crops.
        resize: whether crops of another size than the network's are resized; otherwise they are rows with a reason.
        batch_size: images in a pass.
        device: to run on, such as "cuda"; "auto" is CUDA where there is a GPU, else the CPU; without one, the network
            stays where it is.
        precision: "32-true", or "bf16-mixed" or "16-mixed" for autocast; weights and norms stay in float32.

    Raises:
        ConfigurationError: for a batch size, precision or aligner that there is not.
    """

    def __init__(
        self,
        backbone: Backbone,
        observer: Observer,
        *,
        aligner: str | Aligner | None = None,
        resize: bool = False,
        batch_size: int = 32,
        device: str | torch.device | None = None,
        precision: Precision = "32-true",
    ) -> None:
        if batch_size < 1:
            raise ConfigurationError(f"Expected a `batch_size` of 1 or more, but got {batch_size}")
        if precision not in AUTOCAST:
            raise ConfigurationError(f"Expected `precision` to be one of {', '.join(AUTOCAST)}, but got {precision!r}")
        wanted = backbone.preprocessing
        if isinstance(aligner, str):
            aligner = create_aligner(aligner, wanted.alignment, wanted.size)
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        if device is not None:
            backbone.network.to(device)
        self.backbone = backbone
        self.observer = observer
        self.batch_size = batch_size
        self.precision = precision
        if warning := precision_warning(observer, precision):
            logging.getLogger(__name__).warning("warning: %s", warning)
        self._cropper = Cropper(wanted, aligner, resize)
        self._method = FroqQuality(observer)

    @classmethod
    def from_pretrained(
        cls, backbone: str, weights: str | None = None, device: str | torch.device = "auto", **options: Any
    ) -> Self:
        """Build a network by its registered name, with the Observer that ships with it.

        Args:
            backbone: the name; `froq backbones list` shows them.
            weights: of the network, if its backbone does not bring them.
            device: to run on.
            options: of the scorer (`aligner`, `resize`, `batch_size`, `precision`), and others of the backbone.

        Raises:
            UnknownNameError: if no such backbone is registered.
            ConfigurationError: if no Observer ships with it, or it does not take an option.
            ObserverError: if its Observer was made for other weights.
        """
        return cls._built(backbone, {} if weights is None else {"weights": weights}, None, device, options)

    @classmethod
    def from_observer(
        cls, path: str | Path, weights: str | None = None, device: str | torch.device = "auto", **options: Any
    ) -> Self:
        """Build the network that an Observer file names, and check that it is the one.

        Args:
            path: of the Observer file.
            weights: of the network, if its backbone does not bring them.
            device: to run on.
            options: of the scorer (`aligner`, `resize`, `batch_size`, `precision`), and others of the backbone, on top
                of those in the file.

        Raises:
            ObserverError: if the network differs from the one that was calibrated; the text says how.
        """
        return cls._built(None, {} if weights is None else {"weights": weights}, str(path), device, options)

    @classmethod
    def _built(
        cls,
        name: str | None,
        given: dict[str, Any],
        path: str | None,
        device: str | torch.device,
        options: dict[str, Any],
    ) -> Self:
        own = {key: value for key, value in options.items() if key in ("aligner", "resize", "batch_size", "precision")}
        others = {key: value for key, value in options.items() if key not in own}
        module = FroqModule(name, {**given, **others}, observer=path)
        scorer = cls(module.backbone, module.read_observer(), device=device, **own)
        set_memory_format(scorer.backbone, scorer.backbone.device)
        return scorer

    def __call__(
        self, images: Any, *, embeddings: bool = False, reasons: bool = False, strict: bool = False
    ) -> ScoredBatch:
        """Score one image or many, of any sizes; a bad one becomes a row with status "failed" and the reason.

        A pass ends behind the deepest observed layer unless embeddings are wanted.

        Args:
            images: a path, the content of a file (bytes, or an open file), a PIL image, an RGB array `[H, W, 3]`
                (uint8, or floats in 0..1), an RGB tensor `[3, H, W]` (the same), or an iterable of these; also an array
                `[B, H, W, 3]` or a tensor `[B, 3, H, W]`. Mind that OpenCV's arrays are BGR.
            embeddings: whether to give the embeddings of the same passes too.
            reasons: whether to measure quality components too, and to name what is wrong with each image.
            strict: whether the first bad image raises instead.

        Returns:
            A row for every image, in their order; a path is its name, else its position.

        Raises:
            ImageError: if `strict`, naming the first image that failed and the reason.
            BackboneError: if an observed layer mixes the images of a batch.
        """
        tables = []
        for batch in self._batches(images, reasons=reasons):
            tables.append(scored := self._score(batch, embeddings=embeddings))
            if strict and FAILED in scored.status:
                row = scored[scored.status.index(FAILED)]
                raise ImageError(f"image {row.image}: {row.reason}")
        return ScoredBatch.concatenate(tables)

    def explain(self, images: Any) -> Tensor:
        """Map which parts of faces pull their scores down; 170 passes an image. See `methods.explanation`.

        Args:
            images: as for a call.

        Returns:
            `[N, H, W]` float64, a map of every image at the size of its crop, in units of the raw score: above 0, the
            place pulls the score down; below 0, it carries it. NaN for images that failed.
        """
        size, maps = self.backbone.preprocessing.size, [torch.empty(0, *self.backbone.preprocessing.size).double()]
        for batch in self._batches(images, reasons=False):
            of_batch = torch.full((len(batch.images) + len(batch.failures), *size), torch.nan, dtype=torch.float64)
            if len(batch.images):
                with self._precision():
                    crops = batch.images.to(self.backbone.device)
                    cells = quality_map(self._method, self.backbone, crops, self.batch_size)
                of_batch[batch.sample_index - sum(map(len, maps))] = at_crop_size(cells, size)
            maps.append(of_batch)
        return torch.cat(maps)

    def gate(self, min_quality: int, *, reasons: bool = False) -> Gate:
        """Return what passes or fails images: `scorer.gate(min_quality=30)(image).passed`.

        Args:
            min_quality: 0..100, the lowest quality that passes.
            reasons: whether verdicts name what is wrong with an image, and what to do about it.

        Raises:
            ConfigurationError: if it is out of that range.
        """
        return Gate(self, min_quality, reasons)

    def watch(self, network: nn.Module | None = None) -> Watch:
        """Read the quality of images from passes of your own: `with scorer.watch(network) as watch: …`.

        Args:
            network: that you run, or a module that contains it, with this scorer's weights; by default its own network.

        Raises:
            ObserverError: if it lacks observed layers, or has other weights; the text says which.
        """
        return Watch(self.backbone, self.observer, network)

    def _score(self, batch: FaceBatch, *, embeddings: bool) -> ScoredBatch:
        with self._precision():
            crops = batch.images.to(self.backbone.device)
            scores = score_batch(self._method, self.backbone, crops, embeddings=embeddings)
        return ScoredBatch.of(batch, scores)

    @contextmanager
    def _precision(self) -> Iterator[None]:
        autocast = AUTOCAST[self.precision]
        with torch.no_grad(), torch.autocast(self.backbone.device.type, autocast, enabled=autocast is not None):
            yield

    def _batches(self, images: Any, *, reasons: bool) -> Iterator[FaceBatch]:
        if isinstance(images, Tensor) and self._takes(images):
            for start in range(0, len(images), self.batch_size):
                crops = images[start : start + self.batch_size]
                batch = FaceBatch.of_tensors(crops, torch.arange(start, start + len(crops)))
                yield replace(batch, components=measure_crops(crops)) if reasons else batch
            return
        listed: Iterable[Any] = [images] if is_one_image(images) else images
        remaining = zip(count(), listed, strict=False)
        while chunk := list(islice(remaining, self.batch_size)):
            with _one_reads:
                samples = [read_sample(index, image, self._cropper, reasons=reasons) for index, image in chunk]
            yield collate(_of_one_type(samples))

    def _takes(self, images: Tensor) -> bool:
        """Whether these are crops that go into the network as they are."""
        with suppress(ImageError):
            self.backbone.preprocessing.require(images)
            return self._cropper.aligner is None
        return False


def _of_one_type(samples: list[FaceSample]) -> list[FaceSample]:
    """Bring the crops of a batch to float32 where some are floats."""
    types = {sample.image.dtype for sample in samples if sample.image is not None}
    if len(types) < 2:
        return samples
    return [sample if sample.image is None else _as_float(sample, sample.image) for sample in samples]


def _as_float(sample: FaceSample, crop: Tensor) -> FaceSample:
    return replace(sample, image=crop.float().div_(255) if crop.dtype == torch.uint8 else crop.float())
