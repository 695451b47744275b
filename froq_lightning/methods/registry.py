"""Quality methods and labellers by the names that configurations give them, found by entry point."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

from froq_lightning.calibration.json_dataclasses import decode
from froq_lightning.calibration.observer import Observer
from froq_lightning.errors import ConfigurationError, ExtensionError, UnknownNameError
from froq_lightning.extensions import METHODS, Extension, discover, find
from froq_lightning.methods.quality_method import Labeller, QualityMethod

LOGGER = logging.getLogger(__name__)
ALL = "all"
# Where a mapping gives options alone.
DEFAULT_METHOD, DEFAULT_LABELLER = "froq", "perturbation"
MethodSpec = str | Mapping[str, Any]
# Returns the Observer of a path, or the default one for None.
ReadObserver = Callable[[str | None], Observer]


def _from_file(path: str | None) -> Observer:
    if path is None:
        raise ConfigurationError("Expected `observer`, the path of an Observer file, but got none")
    return Observer.load(path)


def create_methods(
    specs: MethodSpec | Sequence[MethodSpec], read_observer: ReadObserver = _from_file, **defaults: Any
) -> dict[str, QualityMethod]:
    """Build quality methods.

    Args:
        specs: one or several names, or mappings `{method: name, label: …, option: value, …}`; `all` stands for every
            installed method that scores single images.
        read_observer: reads the Observer that a method has as an option.
        defaults: options for the methods that have them and are not given others.

    Returns:
        The methods by label; without a label, by their name and options.

    Raises:
        UnknownNameError: for an unknown method or option.
        ConfigurationError: for a wrong value, no method, or two methods of one label.
        ExtensionError: for a method that cannot be imported, or lacks a package. `all` leaves it out with a warning.
    """
    methods: dict[str, QualityMethod] = {}
    for options, is_of_all in _expanded(specs):
        name = options.setdefault("method", DEFAULT_METHOD)
        label = options.pop("label", None) or _label(options)
        if not isinstance(label, str):
            raise ConfigurationError(f"Expected `label` to be text, but got {label!r}")
        if label in methods:
            raise ConfigurationError(f"Expected methods of different names, but got {label} twice; give one a `label`")
        try:
            method = _create(options, read_observer, defaults)
        except ExtensionError as error:
            if not is_of_all:
                raise
            LOGGER.warning("warning: `all` leaves a method out: %s", error)
            continue
        if not isinstance(method, QualityMethod):
            raise ConfigurationError(
                f"Expected a method that scores images one by one, but got {name}, which labels a whole calibration "
                "set; give it as model.labeller of `froq validate`"
            )
        methods[label] = method
    if not methods:
        raise ConfigurationError("Expected at least one quality method, but got none")
    return methods


def create_method(spec: MethodSpec, read_observer: ReadObserver = _from_file, **defaults: Any) -> QualityMethod:
    """Build one method; see `create_methods`."""
    return next(iter(create_methods(spec, read_observer, **defaults).values()))


def create_labeller(
    spec: MethodSpec, read_observer: ReadObserver = _from_file, **defaults: Any
) -> tuple[str, Labeller]:
    """Build a quality method or a labeller of whole sets, and return its name too; see `create_methods`."""
    options = {"method": spec} if isinstance(spec, str) else {"method": DEFAULT_LABELLER, **spec}
    return options["method"], _create(options, read_observer, defaults)


def _expanded(specs: MethodSpec | Sequence[MethodSpec]) -> Iterator[tuple[dict[str, Any], bool]]:
    """Yield the options of each method, and whether `all` stands for it."""
    for spec in [specs] if isinstance(specs, (str, Mapping)) else specs:
        if spec == ALL:
            yield from (({"method": name}, True) for name in _names_of_all())
        else:
            yield {"method": spec} if isinstance(spec, str) else dict(spec), False


def _names_of_all() -> Iterator[str]:
    """Yield the installed methods that score single images; warn of those that cannot be used."""
    discovery = discover(METHODS)
    for problem in discovery.problems:
        LOGGER.warning("warning: `all` leaves methods out: %s %s", problem.where, problem.reason)
    for name, extension in discovery.plugins.items():
        try:
            if issubclass(_class_of(extension), QualityMethod):
                yield name
        except ExtensionError as error:
            LOGGER.warning("warning: `all` leaves a method out: %s", error)


def _label(options: Mapping[str, Any]) -> str:
    values = [f"{option}={value}" for option, value in options.items() if option != "method"]
    return f"{options['method']} ({', '.join(values)})" if values else str(options["method"])


def _create(spec: Mapping[str, Any], read_observer: ReadObserver, defaults: Mapping[str, Any]) -> Any:
    options = dict(spec)
    name = options.pop("method")
    if not isinstance(name, str):
        raise ConfigurationError(f"Expected `method` to be the name of a quality method, but got {name!r}")
    try:
        made = _class_of(find(METHODS, name))
    except UnknownNameError:
        raise UnknownNameError.among("quality method", name, discover(METHODS).plugins) from None
    known = {field.name: field for field in fields(made) if field.init}
    for option in options:
        if option not in known:
            raise UnknownNameError.among(f"option of {name}", str(option), known)
    types = get_type_hints(made)
    values = {option: value for option, value in defaults.items() if option in known} | options
    values = {option: _checked(name, option, types[option], value) for option, value in values.items()}
    for option, field in known.items():
        if types[option] is Observer:
            values[option] = read_observer(values.get(option))
        elif option not in values and field.default is MISSING and field.default_factory is MISSING:
            raise ConfigurationError(f"Expected the option `{option}` of {name} to be given")
    return made(**values)


def _class_of(extension: Extension) -> type[Labeller]:
    made = extension.load()
    if not (isinstance(made, type) and issubclass(made, Labeller)):
        raise ExtensionError(
            f"Expected {extension.name!r} of {extension.distribution} to be a subclass of QualityMethod or "
            f"SetLabeller, but got {extension.target}, which is {made!r:.60}"
        )
    return made


def _checked(method: str, option: str, expected: Any, value: Any) -> Any:
    """Return an option's value in the type of its field, or refuse it."""
    kind: Any = str | None if expected is Observer else expected
    try:
        return decode(kind, value, option)
    except ValueError as error:
        raise ConfigurationError(
            f"Expected `{option}` of {method} to be {_described(kind)}, but got {value!r}"
        ) from error


def _described(kind: Any) -> str:
    """Name the type of an option, or the values that it may have."""
    if get_origin(kind) is Literal:
        return " or ".join(get_args(kind))
    return kind.__name__ if isinstance(kind, type) else str(kind)
