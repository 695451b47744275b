"""Face-image quality from a frozen face-recognition network."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from froq_lightning.module import FroqModule
    from froq_lightning.scorer import QualityScorer

__all__ = ["FroqModule", "QualityScorer"]


def __getattr__(name: str) -> Any:
    """Import the public names when they are first used, so that `froq --version` need not wait for torch."""
    if name == "QualityScorer":
        from froq_lightning.scorer import QualityScorer  # noqa: PLC0415

        return QualityScorer
    if name == "FroqModule":
        from froq_lightning.module import FroqModule  # noqa: PLC0415

        return FroqModule
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
