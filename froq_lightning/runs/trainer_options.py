"""Options of a Trainer that a run depends on: its precision, and how many batches it runs."""

from typing import Any

from lightning.pytorch import Trainer

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
