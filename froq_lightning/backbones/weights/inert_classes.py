"""Inert classes in the place of those that training scripts leave in a checkpoint beside its tensors.

A checkpoint of PyTorch Lightning 1.x, such as AdaFace's, names classes of callbacks, paths and argument lists. None of
them is needed and none is imported: while a checkpoint is loaded, an empty class stands for each. `weights_only=True`
still refuses every class that is not on the list below.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any

# Packages, modules and classes that a checkpoint may name; each stands for everything in it.
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
MAPPINGS = ("dict", "cfgnode")  # ends of the names of mapping classes


def inert_classes(names: Iterable[str]) -> list[Callable[..., Any] | tuple[Callable[..., Any], str]]:
    """Return an inert class for every harmless name in a checkpoint, for `torch.serialization.safe_globals`.

    Mappings keep their items, which may be the weights.
    """
    return [
        (_mapping() if name.lower().endswith(MAPPINGS) else _inert(name), name)
        for name in sorted(names)
        if any(f"{name}.".startswith(f"{known}.") for known in HARMLESS)
    ]


def _inert(name: str) -> type:
    # A list, since PyTorch adds items to no other class; hashed by identity, since it may be a key.
    own = {"__new__": _empty, "__init__": _ignore, "__setstate__": _ignore, "__hash__": object.__hash__}
    return type(name.rpartition(".")[2], (list,), own)


def _mapping() -> type:
    return type("Mapping", (), {"__new__": lambda *_, **__: OrderedDict()})


def _empty(cls: type, *args: Any, **kwargs: Any) -> object:
    del args, kwargs
    return list.__new__(cls)


def _ignore(self: object, *args: Any, **kwargs: Any) -> None:
    del self, args, kwargs
