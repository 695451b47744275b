"""Traces, writes and checks a graph."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from froq_lightning.atomic_write import Signature, atomic_write
from froq_lightning.backbones.spec import Backbone
from froq_lightning.calibration.backbone_identity import BackboneIdentity
from froq_lightning.calibration.observer import Observer
from froq_lightning.errors import ConfigurationError
from froq_lightning.export import onnx_model, torch_program
from froq_lightning.export.agreement import Agreement, Graph, compare
from froq_lightning.export.graph import QualityGraph
from froq_lightning.export.metadata import metadata_of
from froq_lightning.export.options import ExportOptions, Kind
from froq_lightning.export.quiet import quiet
from froq_lightning.export.tracing import trace

# By what an earlier output is known.
SIGNATURES: dict[Kind, Signature] = {"onnx": onnx_model.is_own, "torch": torch_program.is_own}


def export(
    path: Path,
    backbone: Backbone,
    identity: BackboneIdentity,
    observer: Observer,
    options: ExportOptions,
    images: Tensor,
) -> Agreement:
    """Write one graph of a network and its Observer, unless it disagrees with the network.

    Args:
        path: of the file, which appears whole or not at all.
        backbone: the network, on the CPU; it stays as it is.
        identity: of the backbone, to be written into the file.
        observer: made for it.
        options: how the graph is made.
        images: `[N, 3, H, W]` uint8 RGB, N >= 2, to compare the graph with the network on.

    Returns:
        The largest differences.

    Raises:
        BackboneError: if the network cannot be exported, saying where, or the graph disagrees with it.
        ConfigurationError: if the file cannot be written, or would replace another.
    """
    graph = QualityGraph(
        _in_precision(backbone, options.precision),
        observer,
        quality_only=options.quality_only,
        with_preprocessing=options.with_preprocessing,
    )
    facts = metadata_of(identity, observer, options)
    with quiet():
        program = trace(graph, backbone.preprocessing.size)
        if options.kind == "onnx":
            content = onnx_model.encode(program, facts, graph.outputs, options.opset)
        else:
            content = torch_program.encode(program, facts)
    with atomic_write(path, SIGNATURES[options.kind]) as place:
        _write(place, content, path)
        with quiet():
            run = _LOADERS[options.kind](place, graph.outputs)
        preprocessed = not options.with_preprocessing
        agreement = compare(run, backbone, observer, images, options.precision, preprocessed=preprocessed)
        agreement.require()
    return agreement


_LOADERS: dict[Kind, Callable[[Path, tuple[str, ...]], Graph]] = {
    "onnx": onnx_model.load,
    "torch": torch_program.load,
}


def _in_precision(backbone: Backbone, precision: int) -> Backbone:
    """Return a backbone with a copy of the network, in half precision if that is wanted."""
    network = deepcopy(backbone.network)
    return replace(backbone, network=network.to(torch.float16) if precision == 16 else network)


def _write(place: Path, content: bytes, path: Path) -> None:
    try:
        place.write_bytes(content)
    except OSError as error:
        size = f"{len(content) / 1e6:.1f} MB"
        raise ConfigurationError(f"{str(path)!r} cannot be written ({size}): {error.strerror}") from error
