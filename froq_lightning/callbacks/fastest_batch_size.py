"""Before a run: the batch size that the network is fastest at, where `auto` is asked for."""

from lightning.pytorch import Callback, LightningModule, Trainer

from froq_lightning.backbones.batch_size import fastest_batch_size
from froq_lightning.datamodules.faces import FaceDataModule
from froq_lightning.datamodules.trials import TrialDataModule
from froq_lightning.module import FroqModule


class FastestBatchSize(Callback):
    """Finds the batch size of a data module whose `batch_size` is `auto`; the network is moved to its device first."""

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Time passes of several sizes."""
        del stage
        data = trainer.datamodule  # type: ignore[attr-defined]  # Lightning does not annotate it
        if not isinstance(pl_module, FroqModule) or not isinstance(data, (FaceDataModule, TrialDataModule)):
            return
        if data.batch_size == "auto":
            device = trainer.strategy.root_device
            pl_module.memory_layout.settle(trainer)
            pl_module.to(device)
            with trainer.precision_plugin.forward_context():
                data.batch_size = fastest_batch_size(pl_module.backbone, device)
