"""Observer files of older layouts, brought up to that of today."""

from dataclasses import asdict
from typing import Any

from froq_lightning.calibration.budget import Budget
from froq_lightning.errors import ObserverError

SCHEMA_VERSION = 3


def brought_up_to_date(content: Any) -> Any:
    """Add to the content of an Observer file what its layout lacks; the scores stay the same.

    Raises:
        ObserverError: if it is of no known schema version.
    """
    version = content.get("schema_version") if isinstance(content, dict) else None
    if type(version) is not int or not 1 <= version <= SCHEMA_VERSION:
        older = ", ".join(map(str, range(1, SCHEMA_VERSION)))
        raise ObserverError(f"Expected schema_version {older} or {SCHEMA_VERSION}, but got {version!r}")
    updated = {**content, "schema_version": SCHEMA_VERSION}
    if version < 2:
        updated.setdefault("budget", asdict(Budget()))
    if version < 3:
        updated.setdefault("cross_validated", None)
        layers = updated.get("layers")
        if isinstance(layers, list):
            updated["layers"] = [{"weight": 1.0, **layer} if isinstance(layer, dict) else layer for layer in layers]
    return updated
