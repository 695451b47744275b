"""The norms of the few layers that a score is made of, with as little as possible done beside the pass."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from froq_lightning.observation.layer_taps import LayerTaps
from froq_lightning.observation.reduction import batch_norms, norm_table


class ScoringPass(NamedTuple):
    """What a pass gave.

    Args:
        norms: `[B, K]` float32, the L2 norm of each image's flattened output of each layer; NaN where a layer did not
            fire, or gave no tensor of the batch.
        output: whatever the network returned; None if the pass was ended early.
    """

    norms: Tensor
    output: Any


class _ReachedError(Exception):
    """Ends a pass whose remaining layers are not wanted."""


class ScoringNorms(LayerTaps):
    """Context manager that observes a network's layers as `LayerNorms` does, but tells nothing of them but the norms.

    Passes run in inference mode: what they return takes no part in autograd.

    Args:
        network: the network to run.
        layers: dotted names of its modules, one column of the table each; the same name may stand twice.
        stop_early: whether a pass ends, without output, once these layers have fired as often as in a whole pass, which
            one image runs before the first; for networks that run alike for every batch.
    """

    def __init__(self, network: nn.Module, layers: Sequence[str], *, stop_early: bool = False) -> None:
        super().__init__(network, layers, self._count if stop_early else self._reduce)
        self.layers = tuple(layers)
        self.stop_early = stop_early
        self._norms: list[Tensor | None] = []
        self._batch = 1
        self._calls = 0
        self._last_call: int | None = None

    def observe(self, inputs: Tensor) -> ScoringPass:
        """Run the network once on preprocessed `[B, 3, H, W]` inputs, which it may change, without gradients."""
        with torch.inference_mode():
            if self.stop_early and self._last_call is None:
                self._run(inputs[:1].clone())
                self._last_call = self._calls
            try:
                output = self._run(inputs)
            except _ReachedError:
                output = None
            return ScoringPass(norm_table(self._norms, inputs), output)

    def _run(self, inputs: Tensor) -> Any:
        self._norms, self._batch, self._calls = [None] * len(self.layers), len(inputs), 0
        return self.run(inputs)

    def _count(self, column: int, output: Any) -> None:
        self._calls += 1
        self._reduce(column, output)
        if self._calls == self._last_call:
            raise _ReachedError

    def _reduce(self, column: int, output: Any) -> None:
        self._norms[column] = batch_norms(output, self._batch)
