"""Options of a Trainer that a run depends on: its precision, how many batches it runs, and where."""

from typing import Any

import torch
from lightning.pytorch import Trainer

from froq_lightning.backbones.memory_format import Measure, set_memory_format
from froq_lightning.backbones.spec import Backbone
from froq_lightning.calibration.precision import PRECISIONS, Precision
from froq_lightning.errors import ConfigurationError

LIMITS = {"validate": "limit_val_batches", "predict": "limit_predict_batches", "test": "limit_test_batches"}


def limits(trainer: Trainer, stage: str) -> dict[str, Any]:
    """Return the limit to the batches of a stage, `fast_dev_run` and `overfit_batches` among them; {} if all are run.

    Raises:
        ConfigurationError: if none is run, not all of `test`, or a share by each of several processes.
    """
    name = LIMITS.get(stage, "")
    limit = getattr(trainer, name, 1.0)
    if isinstance(limit, float) and limit == 1.0:  # 1 is one batch
        return {}
    if not limit:
        raise ConfigurationError(f"Expected trainer.{name} to leave some batches, but got {limit}")
    if stage == "test":
        raise ConfigurationError(
            f"Expected `test` to run on all images that are compared, but got trainer.{name} {limit}, which "
            "fast_dev_run sets too; give a smaller data.source"
        )
    if isinstance(limit, float) and trainer.world_size > 1:
        raise ConfigurationError(
            f"Expected a number of batches as trainer.{name} of several processes, but got {limit}"
        )
    return {name: limit}


def require_precision(trainer: Trainer) -> Precision:
    """Return the precision of a run; refuse one in which weights and norms are not kept in float32.

    Raises:
        ConfigurationError: naming those in which they are.
    """
    if trainer.precision not in PRECISIONS:
        raise ConfigurationError(
            f"Expected `trainer.precision` to be one of {', '.join(PRECISIONS)}, which keep weights and norms in "
            f"float32, but got {trainer.precision}"
        )
    return trainer.precision


def lay_out(trainer: Trainer, backbone: Backbone, channels_last: bool | Measure | None) -> bool:
    """Bring a network into its memory format on the Trainer's device; see `set_memory_format`.

    A format that is measured is the same in all processes, and is printed.
    """
    device = trainer.strategy.root_device
    with trainer.precision_plugin.forward_context():
        is_last = set_memory_format(backbone, device, channels_last)
    if channels_last == "measure":  # times differ from process to process
        is_last = bool(trainer.strategy.broadcast(is_last))
        backbone.network.to(memory_format=torch.channels_last if is_last else torch.contiguous_format)
        if trainer.is_global_zero:
            print(f"memory format: {'channels last' if is_last else 'contiguous'}, measured on {device.type}")
    return is_last
