"""The L2 norm of every observed layer's output, taken while the network runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from weakref import ref

import torch
from torch import Tensor, nn

from froq_lightning.observation.layer_taps import LayerTaps
from froq_lightning.observation.pass_clock import PassClock
from froq_lightning.observation.reduction import batch_norms, is_dense, norm_table, unobservable


@dataclass(frozen=True)
class Observation:
    """The outcome of one forward pass.

    Args:
        output: whatever the network returned.
        norms: `[B, L]` float32, the L2 norm of each image's flattened output of each layer. NaN where a layer did not
            fire, or gave no tensor of the batch.
        failures: for the columns that are NaN for that reason, why.
        order: the columns in the order in which their layers fired.
    """

    output: Any
    norms: Tensor
    failures: dict[int, str]
    order: tuple[int, ...]


class LayerNorms(LayerTaps):
    """Context manager that observes a network's layers.

    Each norm is taken as soon as its layer returns, in float32 or wider: a following in-place operation cannot change
    it, and no activation is kept. A tensor that several modules return (a Sequential returns its last child's) is
    reduced once. A module that runs several times in one pass counts with its last run.

    >>> with LayerNorms(network, ("layer1", "layer2")) as norms:
    ...     observation = norms.observe(inputs)

    Args:
        network: the network to run.
        layers: dotted names of its modules, one column of the table each; the same name may stand twice.
        clock: takes the time at which each layer fires, without the time that its norms take.
    """

    def __init__(self, network: nn.Module, layers: Sequence[str], *, clock: PassClock | None = None) -> None:
        super().__init__(network, layers, self._note)
        self.layers = tuple(layers)
        self.clock = clock

    def observe(self, inputs: Tensor) -> Observation:
        """Run the network once on preprocessed `[B, 3, H, W]` inputs, without gradients."""
        # Tensors made in inference mode carry no version counter, which distinguishes a copy from an in-place change.
        with torch.inference_mode(mode=False), torch.no_grad():
            self._batch = len(inputs)
            self._norms: list[Tensor | None] = [None] * len(self.layers)
            self._failures = dict.fromkeys(range(len(self.layers)), "never fired")
            self._order: dict[int, None] = {}
            self._outputs: dict[int, tuple[ref[Tensor], int, int]] = {}
            output = self._run(inputs)
            table = norm_table(self._norms, inputs)
        self._outputs = {}
        return Observation(output, table, self._failures, tuple(self._order))

    def _run(self, inputs: Tensor) -> Any:
        self._running_clock = None if self.clock is None or self.clock.is_done else self.clock
        if self._running_clock:
            self._running_clock.start(inputs.device)
        output = self.run(inputs.clone())
        if self._running_clock:
            self._running_clock.finish()
        return output

    def _note(self, column: int, output: Any) -> None:
        if self._running_clock:
            self._running_clock.pause(column)
        self._record(column, output)
        if self._running_clock:
            self._running_clock.resume()

    def _record(self, column: int, output: Any) -> None:
        self._order.pop(column, None)
        self._order[column] = None
        self._failures.pop(column, None)
        source = self._known(output) if isinstance(output, Tensor) else None
        if source is None:
            self._norms[column] = norms = batch_norms(output, self._batch)
            if norms is None:
                self._failures[column] = unobservable(output, self._batch)
            else:
                self._outputs[output.data_ptr()] = (ref(output), output._version, column)
        else:
            self._norms[column] = self._norms[source]

    def _known(self, output: Tensor) -> int | None:
        """Column that already holds the norms of exactly these values: same memory, still alive, not written since."""
        earlier = self._outputs.get(output.data_ptr())
        if earlier is None:
            return None
        pointer, version, column = earlier
        first = pointer()
        if first is None or version != output._version or first.numel() != output.numel():
            return None
        if unobservable(output, self._batch):
            return None
        same = first is output or (first.dtype == output.dtype and is_dense(first) and is_dense(output))
        return column if same and first.untyped_storage().data_ptr() == output.untyped_storage().data_ptr() else None
