"""Builds dataclasses from JSON values, and checks every type: files may come from strangers."""

import math
from dataclasses import fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")


def decode(kind: type[T], value: object, where: str = "") -> T:
    """Build a `kind` from parsed JSON.

    Raises:
        ValueError: naming the first field that is missing, unknown, of another type, or not finite.
    """
    if is_dataclass(kind):
        return cast("T", _dataclass(kind, value, where))
    return cast("T", _plain(kind, value, where or "value"))


def _dataclass(kind: Any, value: object, where: str) -> Any:
    if not isinstance(value, dict):
        raise ValueError(f"{where or kind.__name__} is no object")  # noqa: TRY004 - a wrong file, not a wrong call
    hints = get_type_hints(kind)
    names = [field.name for field in fields(kind)]
    if missing := [name for name in names if name not in value]:
        raise ValueError(f"{where or kind.__name__} misses {', '.join(missing)}")
    if unknown := [name for name in value if name not in names]:
        raise ValueError(f"{where or kind.__name__} has unknown {', '.join(unknown)}")
    return kind(**{name: decode(hints[name], value[name], f"{where}.{name}".lstrip(".")) for name in names})


def _plain(kind: Any, value: Any, where: str) -> Any:
    origin, inner = get_origin(kind), get_args(kind)
    if kind is Any:
        return value
    if origin in (Union, UnionType):
        if value is None and NoneType in inner:
            return None
        return decode(next(option for option in inner if option is not NoneType), value, where)
    if origin is tuple and isinstance(value, list):
        kinds = inner[:1] * len(value) if inner[-1] is Ellipsis else inner
        if len(kinds) != len(value):
            raise ValueError(f"{where} has {len(value)} entries instead of {len(kinds)}")
        return tuple(
            decode(each, item, f"{where}[{i}]") for i, (each, item) in enumerate(zip(kinds, value, strict=True))
        )
    if origin is Literal and value in inner:
        return value
    if kind is float and isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    if kind is not float and type(value) is (origin or kind):
        return value
    raise ValueError(f"{where} is {value!r:.40}, not {getattr(kind, '__name__', kind)}")
