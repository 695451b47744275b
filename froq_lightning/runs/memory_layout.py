"""The memory format of a network in a run: settled once, before anything is computed."""

from collections.abc import Mapping
from typing import Any

import torch
from lightning.pytorch import Trainer

from froq_lightning.backbones.memory_format import Measure, set_memory_format
from froq_lightning.backbones.spec import Backbone
from froq_lightning.terminal import Line, show


class MemoryLayout:
    """Whether a network runs with channels last.

    Args:
        backbone: its network.
        channels_last: see `set_memory_format`.
    """

    def __init__(self, backbone: Backbone, channels_last: bool | Measure | None) -> None:
        self._backbone = backbone
        self._choice = channels_last
        self._is_measured = channels_last == "measure"
        self._is_last: bool | None = None

    def settle(self, trainer: Trainer) -> bool:
        """Bring the network into its format on the Trainer's device, once; return whether that is channels last.

        A format that is measured is the same in all processes, and is printed.
        """
        if self._is_last is None:
            device = trainer.strategy.root_device
            with trainer.precision_plugin.forward_context():
                self._is_last = set_memory_format(self._backbone, device, self._choice)
            if self._choice == "measure":
                self._is_last = self._of_first(trainer, self._is_last)
        return self._is_last

    def keep(self, earlier: Mapping[str, Any]) -> None:
        """Take the format of an unfinished run instead of measuring it again.

        Args:
            earlier: what that run said of its model; empty if there is none.
        """
        if self._is_measured and "channels_last" in earlier:
            self._choice, self._is_last = bool(earlier["channels_last"]), None

    def _of_first(self, trainer: Trainer, is_last: bool) -> bool:
        """Take the format that the first process measured: times differ from process to process."""
        is_last = bool(trainer.strategy.broadcast(is_last))
        self._backbone.network.to(memory_format=torch.channels_last if is_last else torch.contiguous_format)
        if trainer.is_global_zero:
            name = "channels last" if is_last else "contiguous"
            show(Line(f"memory format: {name}, measured on {trainer.strategy.root_device.type}", "status"))
        return is_last
