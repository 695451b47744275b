"""A GPU that is simulated on the CPU: its tensors say that they are on CUDA, and mix with no others.

Every operation gives the numbers of the CPU. What would make the CPU wait for a GPU is noted, and an operation on
tensors of both is refused, as CUDA refuses it.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from time import perf_counter
from typing import Any, Self
from unittest.mock import patch

import torch
from lightning.pytorch.accelerators import CPUAccelerator
from lightning.pytorch.strategies import SingleDeviceStrategy
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only

GPU, CPU = torch.device("cuda", 0), torch.device("cpu")
# Operations whose result, or whose shape, the CPU has to know.
READING = ("_local_scalar_dense", "nonzero", "equal", "is_nonzero", "masked_select", "_unique2", "unique_dim")
# Operations that take tensors of both.
ACROSS = ("_to_copy", "copy_", "index", "index_put_", "_index_put_impl_")


class GpuTensor(Tensor):
    """Holds a tensor of the CPU as one of the GPU."""

    values: Tensor
    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls: type[Self], values: Tensor) -> Self:
        """Hold a tensor."""
        # Below Python it lies on "meta", for which torch does not look for a driver.
        made: Self = Tensor._make_wrapper_subclass(
            cls, values.shape, strides=values.stride(), dtype=values.dtype, device=torch.device("meta")
        )
        made.values = values
        return made

    @classmethod
    def __torch_dispatch__(cls, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Refuse work outside `simulated_gpu`."""
        raise RuntimeError(f"{operation} on the simulated GPU outside of it")

    @property
    def device(self) -> torch.device:  # type: ignore[override]
        """The GPU."""
        return GPU

    @property
    def is_cuda(self) -> bool:  # type: ignore[override]
        """As on a GPU."""
        return True

    def data_ptr(self) -> int:
        """Where the values begin."""
        return self.values.data_ptr()

    def untyped_storage(self) -> torch.UntypedStorage:
        """What holds the values."""
        return self.values.untyped_storage()


class SimulatedGpu(TorchDispatchMode):
    """Runs what belongs on the GPU.

    Attributes:
        waits: operations for whose results the CPU has waited, in order.
        uploads: operations that have waited until values were sent to the GPU.
    """

    # Torch does not look for a driver while such a mode is active.
    _mode_key = torch._C._TorchDispatchModeKey.FAKE

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[str] = []
        self.uploads: list[str] = []

    def __torch_dispatch__(self, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operation on the CPU."""
        options = dict(kwargs or {})
        with self:
            parts = operation.decompose(*args, **options)
        if parts is not NotImplemented:
            return parts
        name: str = operation.__name__.partition(".")[0]
        tensors = [each for each in tree_leaves((args, options)) if isinstance(each, Tensor)]
        above = [isinstance(each, GpuTensor) for each in tensors]
        place = options.get("device")
        on_gpu = torch.device(place).type == "cuda" if place else any(above)
        waited = not options.get("non_blocking") and not (name == "copy_" and len(args) > 2 and args[2])
        self._note(name, tensors, on_gpu=on_gpu, blocking=waited)
        below = [each.shape for each in tensors if not isinstance(each, GpuTensor) and each.ndim]
        if any(above) and below and name not in ACROSS:
            raise RuntimeError(
                f"Expected all tensors of {name} on the GPU, but got one of shape {below[0]} that is not"
            )
        if place:
            options["device"] = CPU
        result = operation(*_inner(args), **_inner(options))
        if name.endswith("_") and not name.endswith("__"):
            return args[0]
        return tree_map_only(Tensor, GpuTensor, result) if on_gpu else result

    def _note(self, name: str, tensors: list[Tensor], *, on_gpu: bool, blocking: bool) -> None:
        above = [isinstance(each, GpuTensor) for each in tensors]
        masks = [each for each in tensors[1:] if isinstance(each, GpuTensor) and each.dtype == torch.bool]
        back = (name == "_to_copy" and any(above) and not on_gpu) or (name == "copy_" and above == [False, True])
        if back or (any(above) and (name in READING or ("index" in name and name in ACROSS and masks))):
            self.waits.append(name)
        elif blocking and name in ACROSS and on_gpu and not all(above):
            self.uploads.append(name)


def _inner(values: Any) -> Any:
    return tree_map_only(GpuTensor, lambda each: each.values, values)


def _without_gradients(mode: bool = True) -> AbstractContextManager[Any]:
    """Stand for inference mode, whose tensors cannot be wrapped."""
    return torch.no_grad() if mode else nullcontext()


class _Event:
    """A mark in the stream of the GPU."""

    def __init__(self, **_: object) -> None:
        self.time = 0.0

    def record(self, _: object = None) -> None:
        """Mark this place."""
        self.time = perf_counter()

    def elapsed_time(self, other: "_Event") -> float:
        """Milliseconds to another mark."""
        return 1000 * (other.time - self.time)


class _Accelerator(CPUAccelerator):
    def setup_device(self, device: torch.device) -> None:
        """Set up nothing."""


def gpu_strategy() -> SingleDeviceStrategy:
    """Return what has a Trainer run on the simulated GPU."""
    return SingleDeviceStrategy(GPU, accelerator=_Accelerator())


@contextmanager
def simulated_gpu() -> Iterator[SimulatedGpu]:
    """Simulate a GPU within the block; `synchronize` counts as a wait."""
    gpu = SimulatedGpu()
    overwrites = torch.__future__.get_overwrite_module_params_on_conversion()
    torch.__future__.set_overwrite_module_params_on_conversion(True)
    torch._C._set_only_lift_cpu_tensors(True)
    names = {
        "Event": _Event,
        "current_stream": lambda _=None: None,
        "synchronize": lambda _=None: gpu.waits.append("synchronize"),
    }
    try:
        with patch.multiple(torch.cuda, **names), patch.object(torch, "inference_mode", _without_gradients), gpu:
            yield gpu
    finally:
        torch._C._set_only_lift_cpu_tensors(False)
        torch.__future__.set_overwrite_module_params_on_conversion(overwrites)
