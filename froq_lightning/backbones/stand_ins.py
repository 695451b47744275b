"""Inert stand-ins for the classes that training scripts leave in a checkpoint beside its tensors.

A checkpoint of PyTorch Lightning 1.x, such as AdaFace's, names classes of callbacks, paths and argument lists. None of
them is wanted here and none is imported: reading puts an empty class in its place. Whatever is not on the list below is
still refused by `weights_only=True`.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any

# Packages, modules and functions of which a checkpoint may speak; each stands for all that lies in it.
HARMLESS = (
    "addict",
    "argparse.Namespace",
    *(f"builtins.{name}" for name in ("bool", "bytes", "dict", "float", "frozenset", "int", "list", "range", "slice")),
    "builtins.str",
    "builtins.tuple",
    "collections.defaultdict",
    "collections.deque",
    "datetime",
    "decimal.Decimal",
    "easydict.EasyDict",
    "lightning",
    "lightning_fabric",
    "lightning_utilities",
    "mmengine.config",
    "mmengine.logging",
    "numpy._core.multiarray",
    "numpy.core.multiarray",
    "numpy.dtype",
    "numpy.ndarray",
    "numpy.random",
    "omegaconf",
    "pathlib",
    "pytorch_lightning",
    "torch.nn.modules.loss",
    "torch.torch_version.TorchVersion",
    "types.SimpleNamespace",
    "yacs.config",
)
MAPPINGS = ("dict", "cfgnode")  # what the names of classes of mappings end with


def stand_ins(named: Iterable[str]) -> list[Callable[..., Any] | tuple[Callable[..., Any], str]]:
    """Return an inert class for every harmless one of the globals that a checkpoint names.

    The objects of those that are called like mappings keep what they hold, which may be the weights.
    """
    return [
        (_mapping() if name.lower().endswith(MAPPINGS) else _inert(name), name)
        for name in sorted(named)
        if any(f"{name}.".startswith(f"{known}.") for known in HARMLESS)
    ]


def _inert(name: str) -> type:
    # Lists, as PyTorch adds items to no other classes; known by identity, as they may be keys.
    own = {"__new__": _empty, "__init__": _ignore, "__setstate__": _ignore, "__hash__": object.__hash__}
    return type(name.rpartition(".")[2], (list,), own)


def _mapping() -> type:
    return type("Mapping", (), {"__new__": lambda *_, **__: OrderedDict()})


def _empty(cls: type, *args: Any, **kwargs: Any) -> object:
    del args, kwargs
    return list.__new__(cls)


def _ignore(self: object, *args: Any, **kwargs: Any) -> None:
    del self, args, kwargs
