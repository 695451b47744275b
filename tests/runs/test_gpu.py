"""On a GPU, simulated here, a run mixes no devices, and waits for no more than the scores of a batch."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from lightning.pytorch import Trainer
from simulated_gpu import GPU, SimulatedGpu, gpu_strategy, simulated_gpu
from torch import Tensor

from froq_lightning.backbones.spec import Backbone
from froq_lightning.calibration.observer import Observer
from froq_lightning.data.face_batch import FaceBatch
from froq_lightning.methods.embedding_norm import EmbeddingNorm
from froq_lightning.methods.froq import FroqQuality
from froq_lightning.methods.random_quality import RandomQuality
from froq_lightning.methods.scoring import MethodScorer
from froq_lightning.module import FroqModule
from froq_lightning.runs.quality_batch import ScoredBatch
from froq_lightning.runs.recogniser import Recogniser

pytestmark = pytest.mark.slow
OPTIONS = {"architecture": "resnet10t", "num_classes": 16, "size": 32}
SILENT: dict[str, Any] = {
    "logger": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
    "enable_checkpointing": False,
}


class Batches:
    """Batches of noise with labels, as a loader gives them."""

    dataset = range(40)

    def __len__(self) -> int:
        return 10

    def __iter__(self) -> Iterator[FaceBatch]:
        generator = torch.Generator().manual_seed(0)
        for index in torch.arange(40).split(4):
            images = torch.randint(0, 256, (4, 3, 32, 32), dtype=torch.uint8, generator=generator)
            yield FaceBatch.of_tensors(images, index, torch.rand(4, generator=generator))


class CountingModule(FroqModule):
    """Keeps what every step has waited for."""

    gpu: SimulatedGpu | None = None
    waits: tuple[tuple[int, int], ...] = ()

    def predict_step(self, batch: Any) -> ScoredBatch:
        """Score a batch."""
        if self.gpu is None:
            return super().predict_step(batch)
        before = len(self.gpu.waits), len(self.gpu.uploads)
        scored = super().predict_step(batch)
        self.waits += ((len(self.gpu.waits) - before[0], len(self.gpu.uploads) - before[1]),)
        return scored


def module(**options: Any) -> CountingModule:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        return CountingModule("timm", OPTIONS, **options, channels_last=False)


@pytest.fixture(scope="module")
def calibrated() -> Observer:
    """An Observer that was made on the CPU."""
    made = module()
    Trainer(accelerator="cpu", **SILENT).validate(made, Batches(), verbose=False)
    assert made.observer is not None
    return made.observer


def predict(scoring: CountingModule, observer: Observer, **options: Any) -> list[ScoredBatch]:
    scoring.observer = observer
    return Trainer(**options, **SILENT).predict(scoring, Batches())  # type: ignore[return-value]


@pytest.mark.parametrize("embeddings", [False, True])
def test_a_step_of_predict_waits_for_its_norms_alone_and_for_embeddings_if_they_are_wanted(
    embeddings: bool, calibrated: Observer
) -> None:
    expected = predict(module(embeddings=embeddings), calibrated, accelerator="cpu")
    scoring = module(embeddings=embeddings)
    with simulated_gpu() as scoring.gpu:
        scored = predict(scoring, calibrated, strategy=gpu_strategy())
    # The first step looks at the layers before it scores.
    assert scoring.waits[1:] == (((1 + embeddings), 0),) * 9
    for batch, other in zip(scored, expected, strict=True):
        assert torch.equal(batch.quality_score, other.quality_score)
        assert batch.keys == other.keys
        assert embeddings == (batch.embeddings is not None)


def test_a_calibration_finds_the_same_observer(calibrated: Observer) -> None:
    calibrating = module()
    with simulated_gpu():
        trainer = Trainer(strategy=gpu_strategy(), **SILENT)
        trainer.validate(calibrating, Batches(), verbose=False)
    assert calibrating.observer is not None
    assert calibrating.observer.layers == calibrated.layers
    assert calibrating.observer.quantiles == calibrated.quantiles


def test_images_are_recognised_alike(observer: Observer, small_backbone: Backbone, small_images: Tensor) -> None:
    batch = FaceBatch.of_tensors(small_images, torch.arange(len(small_images)))
    methods = {"froq": FroqQuality(observer), "norm": EmbeddingNorm(), "random": RandomQuality()}

    def recognise(device: torch.device) -> Any:
        small_backbone.network.to(device)
        return Recogniser("", MethodScorer(small_backbone, methods), device).recognise(batch.to(device))

    expected = recognise(torch.device("cpu"))
    with simulated_gpu():
        recognised = recognise(GPU)
    assert torch.equal(recognised.qualities, expected.qualities)
    assert torch.equal(recognised.embeddings, expected.embeddings)
    assert recognised.sample_index.tolist() == expected.sample_index.tolist()
