"""Observer files of older schema versions."""

from dataclasses import asdict
from typing import Any

from froq_lightning.calibration.budget import Budget
from froq_lightning.errors import ObserverError

SCHEMA_VERSION = 3


def upgraded(content: Any) -> Any:
    """Add to the JSON of an older schema version what the present one has; scores stay the same.

    Raises:
        ObserverError: if it is of no known schema version.
    """
    version = content.get("schema_version") if isinstance(content, dict) else None
    if type(version) is not int or not 1 <= version <= SCHEMA_VERSION:
        older = ", ".join(map(str, range(1, SCHEMA_VERSION)))
        raise ObserverError(f"Expected schema_version {older} or {SCHEMA_VERSION}, but got {version!r}")
    upgraded = {**content, "schema_version": SCHEMA_VERSION}
    if version < 2:
        upgraded.setdefault("budget", asdict(Budget()))
    if version < 3:
        upgraded.setdefault("cross_validated", None)
        layers = upgraded.get("layers")
        if isinstance(layers, list):
            upgraded["layers"] = [{"weight": 1.0, **layer} if isinstance(layer, dict) else layer for layer in layers]
    return upgraded
