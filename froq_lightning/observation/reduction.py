"""One norm per image of whatever a layer returned."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

# By how many dimensions an output has, those that are an image's own.
WITHIN_AN_IMAGE = {2: (1,), 3: (1, 2), 4: (1, 2, 3)}


def unobservable(output: Any, batch: int) -> str:
    """Say why a module's output has no norm per image; empty where it has."""
    if not isinstance(output, Tensor):
        return f"returns {type(output).__name__}, not a tensor"
    if not output.is_floating_point():
        return f"returns {str(output.dtype).removeprefix('torch.')} values"
    if output.ndim == 0 or output.numel() == 0 or len(output) % batch:
        return f"returns shape {list(output.shape)} for a batch of {batch}"
    return ""


def batch_norms(output: Any, batch: int) -> Tensor | None:
    """L2 norm of each image's share of a layer's output.

    Args:
        output: `[B * k, ...]`, the k rows of one image next to each other (k is 1, or the windows of an image).
        batch: number of images B.

    Returns:
        `[B]` float32; None where `unobservable` says why.
    """
    # As nearly all outputs are; what is done in Python is felt where there are hundreds of layers, or one image.
    if type(output) is Tensor and output.dtype is torch.float32 and output.numel() and _is_packed(output):
        shape = output.shape
        if batch == 1 and shape:
            return torch.linalg.vector_norm(output).view(1)
        within = WITHIN_AN_IMAGE.get(len(shape))
        if within and shape[0] == batch:
            return torch.linalg.vector_norm(output, dim=within)
    if unobservable(output, batch):
        return None
    wide = torch.float64 if output.dtype == torch.float64 else torch.float32
    return torch.linalg.vector_norm(output.reshape(batch, -1), dim=1, dtype=wide).float()


def _is_packed(output: Tensor) -> bool:
    """Whether values follow each other in memory: sums over others, such as expanded ones, lose digits."""
    return output.is_contiguous() or output.is_contiguous(memory_format=torch.channels_last)


def norm_table(norms: Sequence[Tensor | None], inputs: Tensor) -> Tensor:
    """Put the columns of a batch of inputs together, `[B, L]` float32; NaN where there is none."""
    if not norms:
        return inputs.new_empty((len(inputs), 0), dtype=torch.float32)
    if any(column is None for column in norms):
        nothing = inputs.new_full((len(inputs),), torch.nan, dtype=torch.float32)
        norms = [nothing if column is None else column for column in norms]
    return torch.stack(norms, dim=1)  # type: ignore[arg-type]


def is_dense(tensor: Tensor) -> bool:
    """Whether the values fill a stretch of memory without holes or overlaps, in whatever order of dimensions."""
    expected = 1
    for stride, size in sorted(zip(tensor.stride(), tensor.shape, strict=True)):
        if size != 1 and stride != expected:
            return False
        expected *= size
    return True
