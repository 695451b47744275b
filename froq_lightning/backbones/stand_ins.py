"""Inert stand-ins for the classes that training scripts leave in a checkpoint beside its tensors.

A checkpoint of PyTorch Lightning 1.x, such as AdaFace's, names classes of callbacks, paths and argument lists. None of
them is wanted here and none is imported: reading puts an empty class in its place. Whatever is not on the list below is
still refused by `weights_only=True`.
"""

from collections.abc import Callable, Iterable
from typing import Any

# Packages, modules and functions of which a checkpoint may speak; each stands for all that lies in it.
HARMLESS = (
    "argparse.Namespace",
    "easydict.EasyDict",
    "lightning",
    "lightning_fabric",
    "lightning_utilities",
    "numpy._core.multiarray.scalar",
    "numpy.core.multiarray.scalar",
    "numpy.dtype",
    "omegaconf",
    "pathlib",
    "pytorch_lightning",
)


def stand_ins(named: Iterable[str]) -> list[Callable[..., Any] | tuple[Callable[..., Any], str]]:
    """Return an inert class for every harmless one of the globals that a checkpoint names."""
    return [_inert(name) for name in sorted(named) if any(f"{name}.".startswith(f"{known}.") for known in HARMLESS)]


def _inert(name: str) -> type:
    module, _, attribute = name.rpartition(".")
    return type(attribute, (), {"__module__": module, "__new__": _empty, "__init__": _ignore, "__setstate__": _ignore})


def _empty(cls: type, *args: Any, **kwargs: Any) -> object:
    del args, kwargs
    return object.__new__(cls)


def _ignore(self: object, *args: Any, **kwargs: Any) -> None:
    del self, args, kwargs
