"""Measures the batch size at which a network is fastest."""

from statistics import median
from time import perf_counter

import torch

from froq_lightning.backbones.spec import Backbone

SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
RUNS = 3
MIN_GAIN = 1.03  # a larger batch also takes more memory
MAX_SECONDS = 2.0


@torch.no_grad()
def fastest_batch_size(backbone: Backbone, device: torch.device) -> int:
    """Time passes over noise of growing batches; return the smallest batch size that no larger one beats by 3 %.

    Ends where a pass takes more than 2 seconds, or memory runs out.

    Args:
        backbone: its network lies on the device.
        device: to run on.
    """
    best, rate = SIZES[0], 0.0
    for size in SIZES:
        try:
            seconds = pass_seconds(backbone, size, device)
        except torch.OutOfMemoryError:
            break
        if size / seconds > MIN_GAIN * rate:
            best, rate = size, size / seconds
        if size > 2 * best or seconds > MAX_SECONDS:
            break
    return best


@torch.no_grad()
def pass_seconds(backbone: Backbone, size: int, device: torch.device) -> float:
    """Return the median time of a pass of so many images, after one that warms up."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (size, 3, *backbone.preprocessing.size), generator=generator, dtype=torch.uint8)
    images = images.to(device)
    taken = []
    for _ in range(RUNS + 1):
        start = perf_counter()
        backbone.run(backbone.inputs(images))
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        taken.append(perf_counter() - start)
    return median(taken[1:])
