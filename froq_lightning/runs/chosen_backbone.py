"""Which network a run is about: the one that is named, or that of its Observer."""

from typing import Any

from froq_lightning.calibration.observer import Observer
from froq_lightning.errors import ConfigurationError


def choose_backbone(name: str | None, options: dict[str, Any], observer: str | None) -> tuple[str, dict[str, Any]]:
    """Return name and options of the network; where no name is given, those in the Observer, then `options`.

    Raises:
        ConfigurationError: if neither a name nor an Observer is given.
        ObserverError: if the Observer is damaged.
    """
    if name is not None:
        return name, options
    if observer is None:
        raise ConfigurationError(
            "Expected the name of a network as `backbone` (`froq backbones list`), or an `observer`, which names one"
        )
    made = Observer.load(observer).backbone
    return made.name, made.options | options
