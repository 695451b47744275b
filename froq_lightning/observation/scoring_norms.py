"""The norms of the few layers that a score is made of, from the network as it is or compiled."""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map_only

from froq_lightning.backbones.frozen import run_frozen
from froq_lightning.errors import ConfigurationError
from froq_lightning.observation.layer_taps import LayerTaps
from froq_lightning.observation.reduction import batch_norms, norm_table


class ScoringPass(NamedTuple):
    """The outcome of a pass.

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
    """Context manager that observes a network's layers as `LayerNorms` does, but returns nothing besides their norms.

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
            return ScoringPass(self.table(inputs), output)

    def begin(self, images: int) -> None:
        """Get ready for a pass of that many images, which someone else runs."""
        self._norms, self._batch, self._calls = [None] * len(self.layers), images, 0

    def table(self, inputs: Tensor) -> Tensor:
        """Return the norms of the latest pass, which was that of these inputs: `[B, K]`; see `ScoringPass`."""
        return norm_table(self._norms, inputs)

    def _run(self, inputs: Tensor) -> Any:
        self.begin(len(inputs))
        return self.run(inputs)

    def _count(self, column: int, output: Any) -> None:
        self._calls += 1
        self._reduce(column, output)
        if self._calls == self._last_call:
            raise _ReachedError

    def _reduce(self, column: int, output: Any) -> None:
        self._norms[column] = batch_norms(output, self._batch)


class CompiledNorms(LayerTaps):
    """Context manager that observes a network's layers as `ScoringNorms` does, through `torch.compile`.

    The first pass compiles, which takes from seconds to minutes, and so does the first one of a larger batch. A smaller
    batch is filled up with zeros, whose rows are dropped: CUDA graphs are of one shape too. Without the output,
    the graph ends by itself behind the layers observed. Works where each layer fires in every pass and returns a tensor
    of the batch, and the network can be compiled.

    Args:
        network: the network to run.
        layers: dotted names of its modules, one column of the table each.
        with_output: whether the network's output is wanted too.
        mode: of `torch.compile`; "reduce-overhead" and "max-autotune" record CUDA graphs on a GPU.
    """

    def __init__(
        self, network: nn.Module, layers: Sequence[str], *, with_output: bool = False, mode: str = "default"
    ) -> None:
        super().__init__(network, layers, self._note)
        self.layers = tuple(layers)
        self.with_output = with_output
        self._norms: dict[int, Tensor] = {}
        self._size = 0
        self._compiled = torch.compile(self._pass, mode=mode, dynamic=False)

    def observe(self, inputs: Tensor) -> ScoringPass:
        """Run the network once on preprocessed `[B, 3, H, W]` inputs, which it may change, without gradients.

        Raises:
            ConfigurationError: if the network cannot be compiled here.
        """
        try:
            with torch.inference_mode(mode=False), torch.no_grad():
                # What a graph has written is copied, so the next pass may write there.
                torch.compiler.cudagraph_mark_step_begin()
                norms, output = run_frozen(self._compiled, self._every_module, self._filled(inputs))
        except torch._dynamo.exc.TorchDynamoException as error:
            reason = " ".join(str(error).strip().splitlines()[:2])  # which part raised, and what
            raise ConfigurationError(f"the network cannot be compiled here: {reason}; leave `compile` off") from error
        return ScoringPass(norms[: len(inputs)], tree_map_only(Tensor, partial(self._rows, len(inputs)), output))

    def _filled(self, inputs: Tensor) -> Tensor:
        """Bring a batch to the size of the largest so far."""
        self._size = max(self._size, len(inputs))
        missing = self._size - len(inputs)
        return torch.cat([inputs, inputs.new_zeros(missing, *inputs.shape[1:])]) if missing else inputs

    def _rows(self, images: int, output: Tensor) -> Tensor:
        return output[:images] if output.ndim and len(output) == self._size else output

    def _pass(self, inputs: Tensor) -> tuple[Tensor, Any]:
        self._norms, self._batch = {}, len(inputs)
        output = self.network(inputs)
        norms = torch.stack([self._norms[column] for column in range(len(self.layers))], dim=1)
        return norms, output if self.with_output else None

    def _note(self, column: int, output: Any) -> None:
        self._norms[column] = torch.linalg.vector_norm(output.reshape(self._batch, -1).float(), dim=1)
