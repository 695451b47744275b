"""What is timed: bare passes, and what FROQ does with the same images."""

from pathlib import Path
from typing import Any

import torch
from networks import Batches, Network
from torch import Tensor

from froq_lightning.calibration.observer import Observer
from froq_lightning.callbacks import QualityWriter
from froq_lightning.cli.trainer import FroqTrainer
from froq_lightning.datamodules.faces import FaceDataModule
from froq_lightning.methods.froq import FroqQuality
from froq_lightning.methods.quality_method import QualityMethod
from froq_lightning.module import FroqModule


def trainer(**options: Any) -> FroqTrainer:
    """Return a Trainer that prints nothing."""
    quiet: dict[str, Any] = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    return FroqTrainer(**quiet, enable_model_summary=False, **options)


def bare(module: FroqModule, images: Tensor, batch_size: int) -> None:
    """Run the network over all images and keep nothing."""
    with torch.inference_mode():
        for part in images.split(batch_size):
            module.network(module.backbone.inputs(part))


def scored(method: QualityMethod, module: FroqModule, images: Tensor, batch_size: int) -> None:
    """Score all images."""
    with torch.inference_mode():
        for part in images.split(batch_size):
            method.score(module.backbone, part)


def embedded(froq: FroqQuality, module: FroqModule, images: Tensor, batch_size: int) -> None:
    """Score all images, and embed them in the same passes."""
    with torch.inference_mode():
        for part in images.split(batch_size):
            froq.score_and_embed(module.backbone, part)


def calibrated(network: Network, images: Tensor, accelerator: str, **options: Any) -> tuple[Observer, float]:
    """Calibrate on random labels: an Observer, and the cost of its layers."""
    module = network.module(**options)
    batches = Batches(images.cpu(), 32)
    trainer(accelerator=accelerator, devices=1).validate(module, dataloaders=batches, verbose=False)
    if module.observer is None or module.calibration is None:
        raise SystemExit("calibration failed")
    return module.observer, module.calibration.selection.cost or 0.0


def predict(module: FroqModule, manifest: Path, output: Path) -> None:
    """Score files as `froq predict` does; all of them must be there."""
    data = FaceDataModule(str(manifest), module.preprocessing, resize=True)
    trainer(accelerator="cpu", callbacks=[QualityWriter(output)]).predict(module, datamodule=data)
    if ",failed," in output.read_text():
        raise SystemExit(f"some files of {manifest} could not be scored")
