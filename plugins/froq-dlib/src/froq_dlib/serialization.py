"""Reads dlib's serialised networks: plain numbers behind the names of layers, nothing of it is ever run."""

import stat
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from froq_dlib.network import Affine

LARGEST_FILE = 256 * 1024**2
LONGEST_INTEGER = 8  # bytes


@dataclass
class TensorReader:
    """Walks forward through the bytes of a `.dat` file.

    dlib writes an integer as a control byte (low 4 bits: number of bytes, bit 7: sign) and little-endian bytes, a
    string as its length and its bytes, and a tensor as a version, four dimensions and little-endian float32 values.
    """

    data: bytes
    position: int = 0

    def tensor_of(self, layer: str) -> Tensor:
        """Return the parameters of the next layer of that name, flat.

        Raises:
            ValueError: if there is no such layer ahead or its parameters are cut short.
        """
        self._skip_to(layer)
        if layer == "fc_2":  # outputs and inputs come before the tensor, which repeats them
            self.integer()
            self.integer()
        return self.tensor()

    def _skip_to(self, layer: str) -> None:
        tag = bytes([1, len(layer)]) + layer.encode()
        found = self.data.find(tag, self.position)
        if found < 0:
            raise ValueError(f"expected a layer {layer!r} after byte {self.position}, but there is none")
        self.position = found + len(tag)

    def tensor(self) -> Tensor:
        """Read a tensor and return its values, flat, float32.

        Raises:
            ValueError: if it is of another version, has impossible dimensions or is cut short.
        """
        version = self.integer()
        if version != 2:
            raise ValueError(f"expected a tensor of version 2 at byte {self.position}, but got {version}")
        dimensions = [self.integer() for _ in range(4)]
        if min(dimensions) < 0:
            raise ValueError(f"expected dimensions of 0 or more at byte {self.position}, but got {dimensions}")
        values = np.frombuffer(self._take(4 * prod(dimensions)), dtype="<f4")
        return torch.from_numpy(values.astype(np.float32))

    def integer(self) -> int:
        """Read an integer.

        Raises:
            ValueError: if what comes next is none.
        """
        control = self._take(1)[0]
        length = control & 0x0F
        if not 1 <= length <= LONGEST_INTEGER:
            raise ValueError(f"expected an integer before byte {self.position}, but got control byte {control:#x}")
        value = int.from_bytes(self._take(length), "little")
        return -value if control & 0x80 else value

    def _take(self, count: int) -> bytes:
        end = self.position + count
        if end > len(self.data):
            raise ValueError(f"truncated: expected {end} bytes or more, but there are {len(self.data)}")
        taken = self.data[self.position : end]
        self.position = end
        return taken


def read_bytes(path: Path) -> bytes:
    """Return the content of a `.dat` file.

    Raises:
        ValueError: if it is larger than such a file can be.
    """
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):  # a pipe would be waited for
        raise ValueError(f"{path} is a folder, pipe or device")
    size = status.st_size
    if size > LARGEST_FILE:
        raise ValueError(f"{path} is no dlib network: expected at most {LARGEST_FILE} bytes, but it has {size}")
    return path.read_bytes()


def load_parameters(network: nn.Module, data: bytes) -> None:
    """Fill a network with the parameters of a `.dat` file, whose layers lie in the order of execution.

    Raises:
        ValueError: if the file is truncated, damaged, or holds another network.
    """
    reader = TensorReader(data)
    # Modules are defined in the order in which they run.
    for name, module in network.named_modules():
        try:
            _fill(module, reader)
        except ValueError as error:
            raise ValueError(f"this is not the file of dlib's ResNet-29, at layer {name!r}: {error}") from error


def _fill(module: nn.Module, reader: TensorReader) -> None:
    if isinstance(module, nn.Conv2d):
        assert module.bias is not None  # noqa: S101
        _copy(reader.tensor_of("con_4"), module.weight, module.bias)
    elif isinstance(module, Affine):
        _copy(reader.tensor_of("affine_"), module.scale, module.shift)
    elif isinstance(module, nn.Linear):
        _copy(reader.tensor_of("fc_2"), module.weight.T)  # dlib stores inputs x outputs


@torch.no_grad()
def _copy(values: Tensor, *parameters: Tensor) -> None:
    expected = sum(parameter.numel() for parameter in parameters)
    if values.numel() != expected:
        raise ValueError(f"expected {expected} parameters, but got {values.numel()}")
    if not values.isfinite().all():
        raise ValueError("expected finite parameters, but got NaN or infinity")
    start = 0
    for parameter in parameters:
        parameter.copy_(values[start : start + parameter.numel()].view(parameter.shape))
        start += parameter.numel()
