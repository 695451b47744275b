"""What enters the attentions of a network: queries, keys and the scale of their products, as torch is called with them.

Fused attention stays fused: its queries and keys are arguments of a function. Where a network multiplies them itself,
the product is followed to the softmax, so that nothing that is added to it on the way goes unnoticed.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

# Rows of a matrix of attention weights that are computed at a time.
ROWS = 64
PRODUCTS = (torch.matmul, Tensor.matmul)
TIMES = (torch.mul, Tensor.mul, Tensor.mul_)
DIVIDED = (torch.div, Tensor.div, Tensor.div_)
SOFTMAX = (torch.softmax, Tensor.softmax, functional.softmax)
# What hides logits from us.
OPAQUE = "runs nn.MultiheadAttention, which does not show them,"
CHANGED = "adds a position bias or a mask to them, or changes them in another way,"


@dataclass(frozen=True)
class Logits:
    """The logits of an attention, `queries @ keys^T * scale`, which are not computed as a whole.

    Args:
        queries: `[B, heads, N, d]`.
        keys: `[B, heads, M, d]`.
        scale: of their products; 1 if the queries are scaled already.
    """

    queries: Tensor
    keys: Tensor
    scale: float

    def mean(self) -> Tensor:
        """Mean over the heads and all pairs of a query and a key: `[B]` float32.

        The mean of q_i . k_j over all i and j is (mean of q_i) . (mean of k_j), since the product is linear in both.
        """
        queries, keys = (each.mean(dim=2, dtype=torch.float32) for each in (self.queries, self.keys))
        return self.scale * (queries * keys).sum(dim=2).mean(dim=1)

    def received(self) -> Tensor:
        """Attention that each key gets of all queries, mean over the heads: `[B, M]` float32, N in sum.

        A softmax goes over all keys of a query, so that the matrix can be cut into rows, but not into columns.
        """
        keys = self.keys.transpose(2, 3)
        parts = ((rows @ keys * self.scale).softmax(dim=3, dtype=torch.float32) for rows in self.queries.split(ROWS, 2))
        return sum((part.sum(dim=2).mean(dim=1) for part in parts), torch.zeros((), device=keys.device))


@dataclass(frozen=True)
class Attention:
    """An attention that ran.

    Args:
        shape: of its logits, `[B, heads, N, M]` for most; empty if unknown.
        logits: of it, or what it does that hides them.
    """

    shape: tuple[int, ...]
    logits: Logits | str

    def fault(self, images: int, tokens: int) -> str:
        """Say why it is no attention among all tokens of each image with known logits; empty if it is one."""
        if self.shape and (len(self.shape) != 4 or self.shape[0] != images or self.shape[2:] != (tokens, tokens)):
            return f"has logits of shape {list(self.shape)} for {images} images of {tokens} tokens"
        return self.logits if isinstance(self.logits, str) else ""


class AttentionMode(TorchFunctionMode):
    """Calls a function with every attention that runs within the block.

    Args:
        note: the function.
    """

    def __init__(self, note: Callable[[Attention], None]) -> None:
        super().__init__()
        self._note = note
        self._product: tuple[Tensor | None, int] = None, 0  # the latest that may be logits, and its version
        self._logits = Logits(torch.empty(0), torch.empty(0), 1.0)  # what it is made of

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run a function of torch, and note its arguments if it is a part of attention."""
        del types
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        if func is functional.scaled_dot_product_attention:
            self._note(_fused(*args, **kwargs))
        elif func is functional.multi_head_attention_forward:
            self._note(Attention((), OPAQUE))
        elif func in SOFTMAX:
            self._end(*args, **kwargs)
        elif len(args) == 2 and not kwargs:
            self._follow(func, args[0], args[1], result)
        return result

    def _follow(self, func: Any, first: Any, second: Any, result: Any) -> None:
        """Remember the latest product, and what it is scaled by."""
        if func in PRODUCTS and first.ndim == second.ndim == 4:
            self._logits = Logits(first, second.transpose(2, 3), 1.0)
        elif func in (*TIMES, *DIVIDED) and first is self._product[0] and isinstance(second, (int, float)):
            self._logits = replace(self._logits, scale=self._logits.scale * (second if func in TIMES else 1 / second))
        else:
            return
        self._product = result, _version(result)

    def _end(self, input: Tensor, dim: int | None = None, *_: Any, **_options: Any) -> None:  # noqa: A002
        """Note a softmax of logits; others, such as that of class probabilities, are no attention."""
        if input.ndim >= 3 and dim in (-1, input.ndim - 1):
            is_product = input is self._product[0] and _version(input) == self._product[1]
            self._note(Attention(tuple(input.shape), self._logits if is_product else CHANGED))
            self._product = None, 0


def _version(tensor: Tensor) -> int:
    """Count how often a tensor, or a view of it, was written to, which those of inference mode do not."""
    return 0 if tensor.is_inference() else tensor._version


def _fused(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Attention:
    del value, dropout_p
    shape = (*query.shape[:-1], key.shape[-2])
    if attn_mask is not None or is_causal:
        return Attention(shape, CHANGED)
    if enable_gqa and query.ndim == key.ndim == 4:  # a key head serves several query heads, one after another
        key = key.repeat_interleave(query.shape[1] // key.shape[1], dim=1)
    return Attention(shape, Logits(query, key, query.shape[-1] ** -0.5 if scale is None else scale))


@contextmanager
def watched_attention(module: nn.Module, note: Callable[[Attention], None]) -> Iterator[None]:
    """Call a function with every attention that runs within a module, as long as the block lasts.

    The mode is on while the module runs, and no longer: it makes each call of torch slower. To be used within a
    `LayerTaps` of the network, which keeps other threads away.
    """
    attributes = vars(module)
    own, forward = attributes.get("forward"), module.forward

    def watched(*args: Any, **kwargs: Any) -> Any:
        with AttentionMode(note):
            return forward(*args, **kwargs)

    attributes["forward"] = watched
    try:
        yield
    finally:
        if own is None:
            del attributes["forward"]
        else:
            attributes["forward"] = own
