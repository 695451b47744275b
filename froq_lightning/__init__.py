"""Face-image quality from a frozen face-recognition network."""

from importlib import import_module, metadata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from froq_lightning.backbones.spec import Backbone, Preprocessing
    from froq_lightning.calibration.observer import Observer
    from froq_lightning.datamodules.faces import FaceDataModule
    from froq_lightning.datamodules.trials import TrialDataModule
    from froq_lightning.module import FroqModule
    from froq_lightning.scorer import QualityScorer

__all__ = [
    "Backbone",
    "FaceDataModule",
    "FroqModule",
    "Observer",
    "Preprocessing",
    "QualityScorer",
    "TrialDataModule",
    "__version__",
]

__version__ = metadata.version("froq-lightning")

# Where each name lies. They are imported when they are first used, so that `froq --version` need not wait for torch.
_HOMES = {
    "Backbone": "froq_lightning.backbones.spec",
    "FaceDataModule": "froq_lightning.datamodules.faces",
    "FroqModule": "froq_lightning.module",
    "Observer": "froq_lightning.calibration.observer",
    "Preprocessing": "froq_lightning.backbones.spec",
    "QualityScorer": "froq_lightning.scorer",
    "TrialDataModule": "froq_lightning.datamodules.trials",
}


def __getattr__(name: str) -> Any:
    """Import a public name."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Name what is public."""
    return __all__
