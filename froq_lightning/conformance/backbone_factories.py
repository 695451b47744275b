"""Whether the factory of a backbone takes weights: the right ones as they are, others not at all."""

import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor

from froq_lightning.backbones.spec import Backbone
from froq_lightning.backbones.weights import file_sha256
from froq_lightning.errors import BackboneError, WeightsError

Factory = Callable[..., Backbone]
StateDict = dict[str, Tensor]
Layout = Callable[[StateDict], Any]
BackboneFactoryCheck = Callable[..., None]


def backbone_factory_checks() -> tuple[BackboneFactoryCheck, ...]:
    """Return the checks that `check_backbone_factory` runs, for a test that parametrises over them."""
    return (
        check_build_without_values,
        check_weights_round_trip,
        check_incomplete_weights,
        check_damaged_weights,
        check_weights_with_code,
    )


def check_backbone_factory(factory: Factory, layout: Layout = dict) -> None:
    """Run all checks of a factory that takes `weights`: a file, or None for those that the network is built with.

    Args:
        factory: maps `weights` to the backbone.
        layout: maps the network's state dict to what a published checkpoint holds; as a rule the state dict itself.

    Raises:
        BackboneError: naming what is wrong.
    """
    for check in backbone_factory_checks():
        check(factory, layout)


def check_build_without_values(factory: Factory, layout: Layout = dict) -> None:
    """The network can be built on the meta device, where finding the network that a file belongs to is quick."""
    del layout
    if not all(value.is_meta for value in _state_without_values(factory).values()):
        raise BackboneError("Expected all parameters and buffers to be on the meta device if built there")


def check_weights_round_trip(factory: Factory, layout: Layout = dict) -> None:
    """Saved weights give the same embeddings, and are recorded by the name and the SHA-256 of their file."""
    built = factory()
    images = torch.rand(2, 3, *built.preprocessing.size, generator=torch.Generator().manual_seed(3))
    with TemporaryDirectory() as folder:
        file = Path(folder) / "weights.pth"
        torch.save(layout(_trained(built.network.state_dict())), file)
        sha256 = file_sha256(str(file))
        loaded = factory(str(file))
    with torch.no_grad():
        expected, embeddings = (each.embed(each.run(each.inputs(images))) for each in (built, loaded))
    if not torch.equal(embeddings, expected):
        raise BackboneError("Expected saved weights to give the same embeddings when loaded, but they differ")
    if (loaded.weights.source, loaded.weights.sha256) != (file.name, sha256):
        raise BackboneError(
            f"Expected the weights to be told as {file.name}, {sha256}, but got {loaded.weights.source}, "
            f"{loaded.weights.sha256}"
        )


def check_incomplete_weights(factory: Factory, layout: Layout = dict) -> None:
    """Weights without one of the network's keys, or with one of another shape, are refused by the name of that key."""
    state = _state_without_room(factory)
    key = next(reversed([name for name, value in state.items() if value.ndim]))
    for wrong in (
        {name: value for name, value in state.items() if name != key},
        state | {key: torch.zeros(*state[key].shape, 2)},
    ):
        error = _refusal(factory, layout(wrong))
        if key not in str(error):
            raise BackboneError(f"Expected weights with a wrong {key!r} to be refused by this name, but got: {error}")


def check_damaged_weights(factory: Factory, layout: Layout = dict) -> None:
    """A file that was cut off is refused."""

    def cut(file: Path) -> None:
        content = file.read_bytes()
        file.write_bytes(content[: len(content) // 2])

    _refusal(factory, layout(_state_without_room(factory)), cut)


def check_weights_with_code(factory: Factory, layout: Layout = dict) -> None:
    """A file with code in it is refused, and the code does not run."""
    with TemporaryDirectory() as folder:
        trace = Path(folder) / "ran"
        content = layout(_state_without_room(factory))
        _refusal(factory, {**content, "code": _MakesFolder(trace)})
        if trace.exists():
            raise BackboneError("Expected the code in a file of weights not to run, but it ran")


class _MakesFolder:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.folder),)


def _refusal(factory: Factory, content: Any, change: Callable[[Path], None] = lambda _: None) -> WeightsError:
    """Return the error with which a factory refuses a file of that content."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "weights.pth"
        torch.save(content, file)
        change(file)
        try:
            factory(str(file))
        except WeightsError as error:
            return error
    raise BackboneError("Expected a file of weights that does not fit to be refused with a WeightsError, but it loaded")


def _trained(state: StateDict) -> StateDict:
    """Change, in place, statistics, scales and biases, which a new network has as zeros and ones."""
    generator = torch.Generator().manual_seed(0)
    for value in state.values():
        if value.ndim == 1 and value.is_floating_point():
            value.add_(0.1 * torch.rand(value.shape, generator=generator))
    return state


def _state_without_values(factory: Factory) -> StateDict:
    with torch.device("meta"):
        return dict(factory().network.state_dict())


def _state_without_room(factory: Factory) -> StateDict:
    """Make a state dict of the right names and shapes whose file takes no room: each tensor repeats one zero."""
    state = _state_without_values(factory).items()
    return {key: torch.zeros((), dtype=value.dtype).expand(value.shape) for key, value in state}
