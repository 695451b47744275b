"""Quality from passes that users make themselves: their network, their batches, their autocast."""

from threading import local
from types import TracebackType
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from froq_lightning.backbones.spec import Backbone
from froq_lightning.calibration.observer import Observer
from froq_lightning.errors import ObserverError
from froq_lightning.methods.froq import FroqQuality
from froq_lightning.observation.reduction import batch_norms
from froq_lightning.runs.quality_batch import QualityBatch


class Watch:
    """Context manager that reads the quality of images from the passes of a network, as long as it lasts.

    >>> with scorer.watch(network) as watch:
    ...     embeddings = network(inputs)
    ...     scores = watch.scores()

    The inputs must be prepared as the network wants them (`scorer.backbone.preprocessing`): nothing here checks that. A
    network that is to be compiled must be compiled within the block. Call the network, not its `forward`. Each thread
    sees its own passes, and none waits for another, as it would for `LayerTaps`.

    Args:
        backbone: with the network that the Observer was made for.
        observer: names the layers.
        network: to watch, or a module that contains it; without one, the backbone's own.

    Raises:
        ObserverError: if it lacks observed layers, or has other weights; the text says which.
        BackboneError: if an observed layer mixes the images of a batch.
    """

    def __init__(self, backbone: Backbone, observer: Observer, network: nn.Module | None = None) -> None:
        self.observer = observer
        self._layers = [layer.name for layer in observer.layers]
        self.network = backbone.network if network is None else _matching(network, backbone.network, self._layers)
        FroqQuality(observer).require_independent(backbone)
        self._pass = _Pass()
        self._handles: list[RemovableHandle] = []

    def __enter__(self) -> Self:
        if self._handles:
            raise ObserverError("Expected a watch that is not in use; make another one by `scorer.watch`")
        # Asking every module before each pass would take long.
        self._mode_checked = [self.network, *(module for module in self.network.modules() if module.training)]
        self._handles = [self.network.register_forward_pre_hook(self._begin, with_kwargs=True)]
        for column, name in enumerate(self._layers):
            self._handles.append(self.network.get_submodule(name).register_forward_hook(self._note(column)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._handles:
            self._handles.pop().remove()

    def scores(self) -> QualityBatch:
        """Return the scores of this thread's latest pass, which it waits for on a GPU.

        Raises:
            ObserverError: if there was none, or it ran in train mode, or did not reach the observed layers.
        """
        norms, trained = self._pass.norms, self._pass.trained
        if not norms:
            raise ObserverError(
                "Expected a pass of the watched network before its scores; if it is compiled, call `torch.compile` "
                "within the `with` block"
            )
        if trained:
            raise ObserverError("Expected a pass in eval mode, but the network is in train mode; call `network.eval()`")
        columns = [norms.get(column) for column in range(len(self._layers))]
        missing = [name for name, column in zip(self._layers, columns, strict=True) if column is None]
        if missing:
            raise ObserverError(f"the latest pass gave no norm of the observed layer {missing[0]!r}")
        scores = self.observer.scores(torch.stack([column for column in columns if column is not None], dim=1)).cpu()
        return QualityBatch(scores, self.observer.quality(scores))

    def _begin(self, _network: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        inputs = next((each for each in (*args, *kwargs.values()) if isinstance(each, Tensor)), None)
        if inputs is None:
            raise ObserverError("Expected the watched network to be called with a tensor of images")
        self._pass.norms, self._pass.images, self._pass.trained = (
            {},
            len(inputs),
            any(module.training for module in self._mode_checked),
        )

    def _note(self, column: int) -> Any:
        def hook(_module: nn.Module, _args: tuple[Any, ...], output: Any) -> None:
            norms = batch_norms(output.detach() if isinstance(output, Tensor) else output, self._pass.images)
            if norms is None:
                self._pass.norms.pop(column, None)
            else:
                self._pass.norms[column] = norms

        return hook


class _Pass(local):
    """The latest pass of a thread: norms by column, number of images, and whether it was one in train mode."""

    def __init__(self) -> None:
        self.norms: dict[int, Tensor] = {}
        self.images = 0
        self.trained = False

    def __reduce__(self) -> tuple[type["_Pass"], tuple[()]]:
        return _Pass, ()  # a copy of a watched network has its hooks too


def _matching(network: nn.Module, reference: nn.Module, layers: list[str]) -> nn.Module:
    """Return the network, or the module in it, that has the layers and the weights of the reference."""
    if network is reference:
        return network
    names = {name for name, _ in network.named_modules()}
    prefixes = [name[: -len(layers[0])] for name in names if f".{name}".endswith(f".{layers[0]}")]
    fitting = [prefix for prefix in prefixes if all(f"{prefix}{layer}" in names for layer in layers)]
    if not fitting:
        missing = next((layer for layer in layers if layer not in names), layers[0])
        raise ObserverError(f"the network has no layer {missing!r}, which the observer reads")
    found = [network.get_submodule(prefix.rstrip(".")) for prefix in fitting]
    differing = [_difference(each, reference) for each in found]
    if all(differing):
        raise ObserverError(f"the network has other weights than the observer was made for: {differing[0]}")
    return found[differing.index("")]


def _difference(network: nn.Module, reference: nn.Module) -> str:
    """Name the first weight that the reference has otherwise, in the precision of the network; empty if none does."""
    weights = network.state_dict()
    for name, expected in reference.state_dict().items():
        if name not in weights:
            return f"{name!r} is missing"
        if not torch.equal(weights[name], expected.to(weights[name])):
            return f"{name!r} differs"
    return ""
