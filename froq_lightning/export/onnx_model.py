"""Graphs as ONNX models, `.onnx`."""

import re
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.export import ExportedProgram

from froq_lightning.atomic_write import signature
from froq_lightning.errors import BackboneError, ConfigurationError
from froq_lightning.extensions import describe

PRODUCER = b"froq-lightning"
# A model begins with the version of the format and its producer.
is_own = signature(rb"\x08.\x12" + re.escape(bytes([len(PRODUCER)]) + PRODUCER))
OPERATOR = re.compile(r"(?:op='|torch\.ops\.)(\w+\.\w+)")
LARGEST = 2**31 - 1  # a limit of protobuf


def encode(program: ExportedProgram, facts: Mapping[str, str], outputs: Sequence[str], opset: int | None) -> bytes:
    """Return the content of the file.

    Raises:
        BackboneError: if the network has an operator that ONNX has not.
        ConfigurationError: if the model is too large, or cannot have that opset.
    """
    if sum(tensor.nbytes for tensor in program.state_dict.values()) > LARGEST:
        raise ConfigurationError("a file of ONNX holds less than 2 GB; use --precision 16, or the format torch")
    model = _translated(program, outputs, opset)
    made = {each.domain: each.version for each in model.opset_import}[""]
    if opset is not None and made != opset:
        raise ConfigurationError(f"the graph cannot be converted to opset {opset}; leave `opset` out to get {made}")
    model.producer_name, model.producer_version = PRODUCER.decode(), metadata.version("froq-lightning")
    del model.metadata_props[:]
    for key, value in facts.items():
        model.metadata_props.add(key=key, value=value)
    content: bytes = model.SerializeToString()
    return content


def load(path: Path, outputs: Sequence[str]) -> Callable[[Tensor], dict[str, Tensor]]:
    """Return a file's graph as a function of images, run by onnxruntime on the CPU."""
    import onnxruntime  # noqa: PLC0415 - of an extra

    try:
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has errors of its own, which it does not export
        raise BackboneError(f"onnxruntime does not take the graph: {describe(error)}") from error

    def run(images: Tensor) -> dict[str, Tensor]:
        arrays = session.run(list(outputs), {"images": images.numpy()})
        return {name: torch.from_numpy(array) for name, array in zip(outputs, arrays, strict=True)}

    return run


def _translated(program: ExportedProgram, outputs: Sequence[str], opset: int | None) -> Any:
    """Return the program as a ModelProto of the package onnx."""
    try:
        translated: Any = torch.onnx.export(
            program, input_names=["images"], output_names=list(outputs), opset_version=opset, verbose=False
        )
    except torch.onnx.OnnxExporterError as error:
        found = OPERATOR.search(str(error.__cause__))
        what = f"ONNX has no operator for {found[1]}" if found else describe(error)
        raise BackboneError(f"the network cannot be exported: {what}; the format torch may do") from error
    return translated.model_proto
