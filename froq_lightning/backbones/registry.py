"""Backbones and aligners by the names that plugins registered."""

from typing import Any

from froq_lightning.backbones.plugins import ALIGNERS, BACKBONES, Plugin, discover, find, told
from froq_lightning.backbones.recognition import recognise
from froq_lightning.backbones.spec import Aligner, Backbone
from froq_lightning.errors import BackboneError, ConfigurationError, FroqError, WeightsError


def create_backbone(name: str, /, **options: Any) -> Backbone:
    """Build the backbone registered under `name`.

    Raises:
        UnknownNameError: if no such name is registered.
        ConfigurationError: for options it does not take.
        BackboneError: if its plugin fails, or returns something else than a Backbone.
    """
    plugin = find(BACKBONES, name)
    try:
        backbone = plugin.create(**options)
    except WeightsError as error:
        raise WeightsError(f"{error}{_recognised(plugin, options)}") from error
    except FroqError:
        raise
    except Exception as error:  # whatever a foreign factory raises
        raise BackboneError(
            f"backbone {name!r} cannot be built: {told(error)}{_recognised(plugin, options)}"
        ) from error
    if not isinstance(backbone, Backbone):
        raise BackboneError(f"Expected the factory of {name!r} to return a Backbone, but got {type(backbone).__name__}")
    return backbone


def create_aligner(name: str, alignment: str, size: tuple[int, int], /, **options: Any) -> Aligner:
    """Build the aligner registered under `name` for a template and a crop size (height, width).

    Raises:
        UnknownNameError: if no such name is registered.
        ConfigurationError: for options it does not take, or a template that it does not know.
    """
    try:
        aligner: Aligner = find(ALIGNERS, name).create(alignment, size, **options)
    except ValueError as error:
        raise ConfigurationError(f"aligner {name!r}: {error}") from error
    return aligner


def _recognised(plugin: Plugin, options: dict[str, Any]) -> str:
    """Tell which backbone the weights given to a plugin belong to, if that can be told."""
    if not isinstance(options.get("weights"), str):
        return ""
    plugins = {plugin.name: plugin} | discover(BACKBONES).plugins
    hint = recognise(options["weights"], {name: other.create for name, other in plugins.items()})
    return hint and f"; {hint}"
