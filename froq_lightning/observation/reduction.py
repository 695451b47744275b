"""One norm per image of whatever a layer returned."""

from typing import Any

import torch
from torch import Tensor


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
    if is_dense(output) and output.stride(0) * len(output) == output.numel():
        length = output.numel() // batch
        return output.as_strided((batch, length), (length, 1))
    return output.reshape(batch, -1)


def is_dense(tensor: Tensor) -> bool:
    """Whether the values fill a stretch of memory without holes or overlaps, in whatever order of dimensions."""
    expected = 1
    for stride, size in sorted(zip(tensor.stride(), tensor.shape, strict=True)):
        if size != 1 and stride != expected:
            return False
        expected *= size
    return True
