"""The options of an export."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from froq_lightning.errors import ConfigurationError

Kind = Literal["onnx", "torch"]
Precision = Literal[32, 16]
SUFFIXES: dict[Kind, str] = {"onnx": ".onnx", "torch": ".pt2"}
PACKAGES = ("onnx", "onnxscript", "onnxruntime")
# torch translates into this one; later ones are converted to, earlier ones lack operators.
FIRST_OPSET = 18


@dataclass(frozen=True)
class ExportOptions:
    """How a graph is made.

    Args:
        kind: "onnx", or "torch" for a program of torch.export.
        quality_only: whether to leave the embedding out, and what lies behind the deepest observed layer.
        with_preprocessing: whether the graph takes uint8 RGB images instead of the network's input.
        precision: bits of the network's numbers; norms and scores are computed in 32 or more.
        opset: version of ONNX's operators; None for the one that torch chooses.

    Raises:
        ConfigurationError: for options that do not go together, or a package that is missing.
    """

    kind: Kind
    quality_only: bool = False
    with_preprocessing: bool = False
    precision: Precision = 32
    opset: int | None = None

    def __post_init__(self) -> None:
        if self.kind == "torch" and self.opset is not None:
            raise ConfigurationError("Expected no `opset` for the format torch, which has none")
        if self.opset is not None and self.opset < FIRST_OPSET:
            raise ConfigurationError(f"Expected `opset` to be {FIRST_OPSET} or more, but got {self.opset}")
        if self.kind == "onnx" and (missing := [name for name in PACKAGES if find_spec(name) is None]):
            raise ConfigurationError(
                f"the format onnx needs {' and '.join(missing)}: pip install 'froq-lightning[onnx]'"
            )


def kind_of(path: Path, kind: Kind | None) -> Kind:
    """Return the format of a file: the one asked for, or that of its suffix.

    Raises:
        ConfigurationError: if the suffix is that of another format, or of none.
    """
    fitting = next((name for name, suffix in SUFFIXES.items() if path.suffix.lower() == suffix), None)
    if fitting is None or kind not in (None, fitting):
        expected = SUFFIXES[kind] if kind else " or ".join(SUFFIXES.values())
        raise ConfigurationError(f"Expected the output to end in {expected}, but got {str(path)!r}")
    return fitting
