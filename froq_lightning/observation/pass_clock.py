"""The time that a forward pass has taken whenever a layer fires."""

from dataclasses import dataclass, field
from time import perf_counter

import torch

# Timing more passes adds nothing.
MOST_PASSES = 32
Mark = float | torch.cuda.Event


@dataclass
class PassClock:
    """Takes the time of forward passes; what is done while it is paused does not count.

    Args:
        layers: number of layers.

    Attributes:
        passes: for every pass the share of it after which each layer had fired.
    """

    layers: int
    passes: list[list[float]] = field(default_factory=list, init=False, repr=False)

    def start(self, device: torch.device) -> None:
        """Begin a pass on a device."""
        self._device = device
        self._intervals: list[tuple[int, Mark, Mark]] = []
        self._resumed = self._now()

    def pause(self, column: int) -> None:
        """Stop: the layer of a column has fired."""
        self._intervals.append((column, self._resumed, self._now()))

    def resume(self) -> None:
        """Go on with the pass."""
        self._resumed = self._now()

    def finish(self) -> None:
        """End the pass."""
        self.pause(self.layers)
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        spent, reached = 0.0, [0.0] * (self.layers + 1)
        for column, begun, ended in self._intervals:
            spent += _seconds(begun, ended)
            reached[column] = spent
        self.passes.append([seconds / spent for seconds in reached[:-1]])

    @property
    def is_done(self) -> bool:
        """Whether enough passes were timed."""
        return len(self.passes) >= MOST_PASSES

    def costs(self) -> list[float]:
        """Median share of a pass, 0..1, after which each layer has fired; 0 where it never did.

        The first pass, which warms caches, counts only if it is the only one.
        """
        if not self.passes:
            return [0.0] * self.layers
        passes = torch.tensor(self.passes[1:] or self.passes, dtype=torch.float64)
        return passes.median(dim=0).values.tolist()

    def _now(self) -> Mark:
        if self._device.type != "cuda":
            return perf_counter()
        event = torch.cuda.Event(enable_timing=True)
        event.record(torch.cuda.current_stream(self._device))
        return event


def _seconds(begun: Mark, ended: Mark) -> float:
    if isinstance(begun, torch.cuda.Event) and isinstance(ended, torch.cuda.Event):
        return begun.elapsed_time(ended) / 1000
    return float(ended) - float(begun)  # type: ignore[arg-type]
