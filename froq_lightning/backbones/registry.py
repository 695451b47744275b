"""Backbones and aligners by the names that plugins registered."""

import json
import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from inspect import signature
from os import PathLike
from types import NoneType
from typing import Any

from froq_lightning.backbones.checkpoint_hints import published_as, recognise
from froq_lightning.backbones.spec import Aligner, Backbone
from froq_lightning.backbones.weights.files import HUB_FILES
from froq_lightning.downloads import fetch, is_remote
from froq_lightning.errors import BackboneError, ConfigurationError, FroqError, WeightsError
from froq_lightning.extensions import ALIGNERS, BACKBONES, Extension, describe, discover, find
from froq_lightning.terminal import complain


def create_backbone(name: str, /, **options: Any) -> Backbone:
    """Build the backbone registered under `name`, and print its note to standard error if it has one.

    Weights may be a reference to a file elsewhere, such as `hf://owner/name/file`; see `downloads`.

    Raises:
        DownloadError: for weights that cannot be fetched.
        UnknownNameError: if no such name is registered.
        ConfigurationError: for options it does not take.
        WeightsError: for weights that it cannot take, or that other backbones take as they are and feed differently.
        BackboneError: if its plugin fails, or returns something else than a Backbone.
    """
    plugin = find(BACKBONES, name)
    if is_remote(options.get("weights")):
        options = {**options, "weights": str(fetch(options["weights"], HUB_FILES))}
    try:
        backbone = plugin.create(**options)
    except WeightsError as error:
        raise WeightsError(f"{error}{_recognised(plugin, options)}") from error
    except FroqError:
        raise
    except (Exception, SystemExit) as error:  # whatever a foreign factory raises
        raise BackboneError(
            f"backbone {name!r} cannot be built: {describe(error)}{_recognised(plugin, options)}"
        ) from error
    if not isinstance(backbone, Backbone):
        raise BackboneError(f"Expected the factory of {name!r} to return a Backbone, but got {type(backbone).__name__}")
    if backbone.note:
        _check_feeding(plugin, backbone, options)
        if os.environ.get("LOCAL_RANK", "0") == "0":  # print once where several processes run
            complain(backbone.note, "remark")
    return backbone


def create_aligner(name: str, alignment: str, size: tuple[int, int], /, **options: Any) -> Aligner:
    """Build the aligner registered under `name` for a template and a crop size (height, width).

    Raises:
        UnknownNameError: if no such name is registered.
        ConfigurationError: for options it does not take, or a template that it does not know.
        BackboneError: if its plugin fails.
    """
    try:
        aligner: Aligner = find(ALIGNERS, name).create(alignment, size, **options)
    except ValueError as error:
        raise ConfigurationError(f"aligner {name!r}: {error}") from error
    except FroqError:
        raise
    except (Exception, SystemExit) as error:  # whatever a foreign factory raises
        raise BackboneError(f"aligner {name!r} cannot be built: {describe(error)}") from error
    return aligner


def _check_feeding(plugin: Extension, backbone: Backbone, options: dict[str, Any]) -> None:
    """Refuse weights that fit only when changed, if they are published for a backbone with other preprocessing."""
    path, factories = _weights(options), _factories(plugin)
    others = published_as(path, factories) if path else {}
    named = [name for name, other in others.items() if other.preprocessing != backbone.preprocessing]
    if named and len(named) == len(others):
        reason = f"it is a checkpoint of {' or '.join(named)}, whose images are prepared differently"
        raise WeightsError(f"{backbone.note}, and so it would fit {plugin.name}; but {reason}")


def _recognised(plugin: Extension, options: dict[str, Any]) -> str:
    """Say which backbone the weights given to a plugin belong to, if that is found."""
    path = _weights(options)
    hint = recognise(path, _factories(plugin), _variants(plugin)) if path else ""
    return hint and f"; {hint}"


def _weights(options: dict[str, Any]) -> str:
    weights = options.get("weights")
    return str(weights) if isinstance(weights, (str, PathLike)) else ""


def _variants(plugin: Extension) -> dict[str, Callable[..., Any]]:
    """Return the factories of a plugin's distribution, each with options that are the defaults of the others."""
    takes: dict[Extension, dict[str, Any]] = {}
    for sibling in discover(BACKBONES).plugins.values():
        if sibling.distribution == plugin.distribution:
            with suppress(Exception):  # one that cannot be imported gives no hint
                takes[sibling] = _plain_defaults(sibling)
    defaults = {(name, value) for options in takes.values() for name, value in options.items() if name != "weights"}
    return {
        f"{sibling.name} with {name}: {json.dumps(value)}": partial(sibling.create, **{name: value})
        for sibling, options in takes.items()
        for name, value in sorted(defaults, key=str)
        if name in options and value != options[name]
    }


def _plain_defaults(plugin: Extension) -> dict[str, Any]:
    """Return the options of a factory whose defaults can be written in a configuration as one word."""
    parameters = signature(plugin.load()).parameters
    plain = (bool, int, float, str, NoneType)
    return {name: each.default for name, each in parameters.items() if isinstance(each.default, plain)}


def _factories(first: Extension) -> dict[str, Callable[..., Any]]:
    plugins = {first.name: first} | discover(BACKBONES).plugins
    return {name: plugin.create for name, plugin in plugins.items()}
