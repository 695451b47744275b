"""The L2 norm of every observed layer's output, taken while the network runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self
from weakref import ref

import torch
from torch import Tensor, nn

from froq_lightning.observation.layer_hooks import LayerHooks
from froq_lightning.observation.pass_clock import PassClock


@dataclass(frozen=True)
class Observation:
    """What one forward pass showed.

    Args:
        output: whatever the network returned; None if the pass was ended early.
        norms: `[B, L]` float32, the L2 norm of each image's flattened output of each layer. NaN where a layer did not
            fire, or gave no tensor of the batch.
        failures: for the columns that are NaN for that reason, why.
        copies: for a column whose layer returned the very tensor that an earlier layer had returned, that column.
        order: the columns in the order in which their layers fired.
    """

    output: Any
    norms: Tensor
    failures: dict[int, str]
    copies: dict[int, int]
    order: tuple[int, ...]


class _ReachedError(Exception):
    """Ends a pass whose remaining layers are not wanted."""


class LayerNorms:
    """Context manager that observes a network's layers through forward hooks.

    Each norm is reduced inside the hook, in float32 or wider, into a table allocated beforehand: a following in-place
    operation cannot change it, and no activation is kept. A tensor that several modules return (a Sequential returns
    its last child's) is reduced once. A module that runs several times in one pass counts with its last run.

    >>> with LayerNorms(network, ("layer1", "layer2")) as norms:
    ...     observation = norms.observe(inputs)

    Args:
        network: the network to run.
        layers: dotted names of its modules, one column of the table each; the same name may stand twice.
        stop_early: whether a pass ends, without output, once these layers have fired as often as in a whole pass, which
            one image runs before the first; for networks that run alike for every batch.
        find_copies: whether a tensor that several modules return is told, and reduced once. Without, the pass runs in
            inference mode, which is quicker for small batches, and what it returns takes no part in autograd.
        clock: takes the time at which each layer fires, without the time that its norms take; for whole passes.
    """

    def __init__(
        self,
        network: nn.Module,
        layers: Sequence[str],
        *,
        stop_early: bool = False,
        find_copies: bool = True,
        clock: PassClock | None = None,
    ) -> None:
        self.network = network
        self.layers = tuple(layers)
        self.stop_early = stop_early
        self.find_copies = find_copies
        self.clock = clock
        self._calls = 0
        self._calls_in_a_pass: int | None = None
        self._counting = False
        self._hooks = LayerHooks(network, self.layers, self._note)

    def __enter__(self) -> Self:
        self._hooks.__enter__()
        return self

    def __exit__(self, *raised: Any) -> None:
        self._hooks.__exit__(*raised)

    def observe(self, inputs: Tensor) -> Observation:
        """Run the network once on preprocessed `[B, 3, H, W]` inputs, without gradients."""
        # Tensors made in inference mode carry no version counter, which tells a copy from an in-place change.
        with torch.inference_mode(mode=not self.find_copies), torch.no_grad():
            self._batch = len(inputs)
            self._table = inputs.new_full((len(self.layers), self._batch), torch.nan, dtype=torch.float32)
            self._failures = dict.fromkeys(range(len(self.layers)), "never fired")
            self._copies: dict[int, int] = {}
            self._order: dict[int, None] = {}
            self._seen: dict[int, tuple[ref[Tensor], int, int]] = {}
            output = self._run(inputs)
        self._seen = {}
        return Observation(output, self._table.T, self._failures, self._copies, tuple(self._order))

    def _run(self, inputs: Tensor) -> Any:
        if self.stop_early and self._calls_in_a_pass is None:
            self._calls_in_a_pass = self._count_calls(inputs[:1])
        self._calls = 0
        self._ticking = None if self.clock is None or self.clock.is_done else self.clock
        if self._ticking:
            self._ticking.start(inputs.device)
        try:
            output = self.network(inputs)
        except _ReachedError:
            return None
        if self._ticking:
            self._ticking.finish()
        return output

    def _count_calls(self, image: Tensor) -> int:
        """Run the network on one image to its end, and count how often the layers fire."""
        self._calls, self._counting = 0, True
        try:
            self.network(image)
        finally:
            self._counting = False
        return self._calls

    def _note(self, column: int, module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        del module, args
        self._calls += 1
        if self._counting:
            return
        if self._ticking:
            self._ticking.pause(column)
        self._record(column, output)
        if self._ticking:
            self._ticking.resume()
        if self._calls == self._calls_in_a_pass:
            raise _ReachedError

    def _record(self, column: int, output: Any) -> None:
        self._order.pop(column, None)
        self._order[column] = None
        reason = unobservable(output, self._batch)
        if reason:
            self._failures[column] = reason
            return
        self._failures.pop(column, None)
        self._copies.pop(column, None)
        source = self._known(output) if self.find_copies else None
        if source is None:
            batch_norms(output, self._batch, out=self._table[column])
            if self.find_copies:
                self._seen[output.data_ptr()] = (ref(output), output._version, column)
        else:
            self._table[column] = self._table[source]
            if source != column:
                self._copies[column] = self._copies.get(source, source)

    def _known(self, output: Tensor) -> int | None:
        """Column that already holds the norms of exactly these values: same memory, still alive, not written since."""
        pointer, version, column = self._seen.get(output.data_ptr(), (lambda: None, 0, 0))
        first = pointer()
        if first is None or version != output._version or first.numel() != output.numel():
            return None
        same = first is output or (first.dtype == output.dtype and _is_dense(first) and _is_dense(output))
        return column if same and first.untyped_storage().data_ptr() == output.untyped_storage().data_ptr() else None


def unobservable(output: Any, batch: int) -> str:
    """Say why a module's output has no norm per image; empty where it has."""
    if not isinstance(output, Tensor):
        return f"returns {type(output).__name__}, not a tensor"
    if not output.is_floating_point():
        return f"returns {str(output.dtype).removeprefix('torch.')} values"
    if output.ndim == 0 or output.numel() == 0 or len(output) % batch:
        return f"returns shape {list(output.shape)} for a batch of {batch}"
    return ""


def batch_norms(output: Tensor, batch: int, out: Tensor | None = None) -> Tensor:
    """L2 norm of each image's share of a layer's output.

    Args:
        output: `[B * k, ...]`, the k rows of one image next to each other (k is 1, or the windows of an image).
        batch: number of images B.
        out: `[B]` float32, written in place if given.

    Returns:
        `[B]` float32.
    """
    rows = output.view(batch, -1) if output.is_contiguous() else _rows(output, batch)
    if output.dtype == torch.float32:
        return torch.linalg.vector_norm(rows, dim=1, out=out)
    wide = torch.float64 if output.dtype == torch.float64 else torch.float32
    norms = torch.linalg.vector_norm(rows, dim=1, dtype=wide)
    return norms.float() if out is None else out.copy_(norms)


def _rows(output: Tensor, batch: int) -> Tensor:
    """View `[batch, -1]` in the order of memory where there is one (a norm does not mind), else a copy."""
    if _is_dense(output) and output.stride(0) * len(output) == output.numel():
        length = output.numel() // batch
        return output.as_strided((batch, length), (length, 1))
    return output.reshape(batch, -1)


def _is_dense(tensor: Tensor) -> bool:
    """Whether the values fill a stretch of memory without holes or overlaps, in whatever order of dimensions."""
    expected = 1
    for stride, size in sorted(zip(tensor.stride(), tensor.shape, strict=True)):
        if size != 1 and stride != expected:
            return False
        expected *= size
    return True
