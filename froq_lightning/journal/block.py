"""What one step of a run found, as bytes in which no code can travel."""

import json
from dataclasses import dataclass, field
from typing import Any, Self

from safetensors.torch import load, save
from torch import Tensor

LENGTH = 8


@dataclass(frozen=True)
class Block:
    """Tensors by name, on the CPU, and facts: whatever JSON can say."""

    facts: dict[str, Any]
    tensors: dict[str, Tensor] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """Write it as a safetensors file, with the facts in its header."""
        tensors = {name: tensor.contiguous() for name, tensor in self.tensors.items()}
        return save(tensors, {"facts": json.dumps(self.facts)})

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Read what `to_bytes` wrote."""
        header = json.loads(content[LENGTH : LENGTH + int.from_bytes(content[:LENGTH], "little")])
        return cls(json.loads(header["__metadata__"]["facts"]), load(content))
