"""Which methods are asked for, by the names that tables give them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from froq_lightning.errors import ConfigurationError
from froq_lightning.methods.catalogue import FROQ, METHODS, create_labeller, create_method
from froq_lightning.methods.quality_method import QualityMethod, SetLabeller

ALL = "all"
MethodSpec = str | Mapping[str, Any]


def line_up(specs: MethodSpec | Sequence[MethodSpec], froq: Callable[..., QualityMethod]) -> dict[str, QualityMethod]:
    """Build methods.

    Args:
        specs: one or several names, or mappings `{method: name, label: …, option: value, …}`; `all` stands for every
            method there is.
        froq: builds the method `froq` from its options, since that one needs an Observer.

    Returns:
        The methods by label; without a label, by their name and options.

    Raises:
        UnknownNameError: for an unknown method or option.
        ConfigurationError: for a wrong value, no method, or two methods of one label.
    """
    methods: dict[str, QualityMethod] = {}
    for options in _expanded(specs):
        name = options.pop("method", FROQ)
        label = options.pop("label", None) or _label(name, options)
        if not isinstance(label, str):
            raise ConfigurationError(f"Expected `label` to be text, but got {label!r}")
        if label in methods:
            raise ConfigurationError(f"Expected methods of different names, but got {label} twice; give one a `label`")
        methods[label] = _froq(options, froq) if name == FROQ else create_method({"method": name, **options})
    if not methods:
        raise ConfigurationError("Expected at least one quality method, but got none")
    return methods


def line_up_one(
    spec: MethodSpec, froq: Callable[..., QualityMethod], default: str = "perturbation"
) -> tuple[str, QualityMethod | SetLabeller]:
    """Build a labeller from its name, or from its options; tell the name too, `default` where only options are given.

    Raises:
        UnknownNameError: for an unknown method or option.
        ConfigurationError: for a wrong value.
    """
    options = {"method": spec} if isinstance(spec, str) else dict(spec)
    name = options.pop("method", default)
    return name, _froq(options, froq) if name == FROQ else create_labeller({"method": name, **options})


def _froq(options: Mapping[str, Any], froq: Callable[..., QualityMethod]) -> QualityMethod:
    try:
        return froq(**options)
    except TypeError as error:
        raise ConfigurationError(f"Expected {FROQ} to have the option `observer` at most: {error}") from error


def _expanded(specs: MethodSpec | Sequence[MethodSpec]) -> Iterator[dict[str, Any]]:
    for spec in [specs] if isinstance(specs, (str, Mapping)) else specs:
        if spec == ALL:
            yield from ({"method": name} for name in (FROQ, *METHODS))
        else:
            yield {"method": spec} if isinstance(spec, str) else dict(spec)


def _label(name: str, options: Mapping[str, Any]) -> str:
    name = str(name)
    return f"{name} ({', '.join(f'{option}={value}' for option, value in options.items())})" if options else name
