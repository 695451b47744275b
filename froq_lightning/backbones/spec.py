"""The contract of a plugin: what a backbone and an aligner are. A plugin imports this module and no other."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from froq_lightning.backbones.frozen import run_frozen
from froq_lightning.backbones.preprocessing import ChannelOrder, Preprocessing
from froq_lightning.backbones.weights import file_sha256, load_checkpoint, network_sha256
from froq_lightning.defects.landmarks import FaceLandmarks
from froq_lightning.errors import BackboneError, UnknownNameError

__all__ = [
    "AlignedFace",
    "Aligner",
    "Backbone",
    "ChannelOrder",
    "FaceLandmarks",
    "Pixels",
    "Preprocessing",
    "WeightsInfo",
    "first_tensor",
    "resolve_layers",
]

Pixels = npt.NDArray[np.uint8]
AS_BUILT = "as built"


@dataclass(frozen=True)
class WeightsInfo:
    """Where a network's weights come from: file or hub id, SHA-256 of their content, licence of their use."""

    source: str
    sha256: str
    licence: str = "unknown"

    @property
    def is_as_built(self) -> bool:
        """Whether no weights were given: the network has those it was built with, as a rule random ones."""
        return self.source == AS_BUILT


def first_tensor(output: Any) -> Tensor:
    """Return the embedding of a network that outputs a tensor, or a tuple that starts with it.

    Raises:
        BackboneError: if it outputs anything else; such a network declares its own `embed`.
    """
    first = output[0] if isinstance(output, (tuple, list)) and output else output
    if not isinstance(first, Tensor):
        raise BackboneError(f"Expected the network to output a tensor, but got {type(first).__name__}; declare `embed`")
    return first


@dataclass(frozen=True)
class Backbone:
    """A frozen face-recognition network, how it is fed, and which of its layers may be observed.

    Construction freezes the network (eval mode, no gradients) and resolves the candidate layers. Calling the network
    itself is for plugins and their tests: `run` is what keeps passes apart.

    Args:
        network: maps a preprocessed `[B, 3, H, W]` batch to its output.
        preprocessing: maps RGB images to the network's input.
        weights: where the network's weights come from.
        embed: maps the network's output to the `[B, D]` embedding.
        candidate_layers: dotted module names or globs (`*` matches dots too), resolved to the names of all
            matching modules in the order of `named_modules()`. The root is never a candidate.
        observer: file of the Observer that ships with the backbone, if any.
        quality: maps the network's output to the `[B]` quality that the network gives itself, higher is better, if
            it gives one: the head of CR-FIQA, the length of MagFace's and AdaFace's embedding.
        note: what was cut off the names in the file of the weights, or left out of it, in a line.

    Raises:
        UnknownNameError: if a name or glob matches no module.
    """

    network: nn.Module
    preprocessing: Preprocessing
    weights: WeightsInfo
    embed: Callable[[Any], Tensor] = first_tensor
    candidate_layers: tuple[str, ...] = ("*",)
    observer: Path | None = None
    quality: Callable[[Any], Tensor] | None = None
    note: str = ""

    def __post_init__(self) -> None:
        self.network.eval().requires_grad_(False)
        object.__setattr__(self, "candidate_layers", resolve_layers(self.network, self.candidate_layers))

    def run(self, inputs: Tensor) -> Any:
        """Return the network's output for preprocessed `[B, 3, H, W]` inputs, which stay as they are.

        The network runs in eval mode, even if it was set to train mode. The output is a copy: no later pass changes it.
        """
        return run_frozen(self.network, self._modules, inputs.clone())

    def inputs(self, images: Tensor) -> Tensor:
        """Preprocess `[B, 3, *size]` RGB images (uint8 or 0..1) into the network's input, of its parameters' type.

        Raises:
            ImageError: if the images are of another shape or type, or have values that are not finite or not in 0..1.
        """
        return self.preprocessing(images).to(self.dtype)

    def inputs_of(self, values: Tensor) -> Tensor:
        """Preprocess `[B, 3, *size]` RGB values near the 0..1 scale, such as images with noise, unchecked."""
        return self.preprocessing.normalise(values).to(self.dtype)

    @property
    def device(self) -> torch.device:
        """Where the network's weights lie."""
        return next((tensor.device for tensor in self._tensors()), torch.device("cpu"))

    @property
    def dtype(self) -> torch.dtype:
        """Type of the network's weights; float32 if it has none. Whole numbers, such as indices, are no weights."""
        kinds = (tensor.dtype for tensor in self._tensors() if tensor.is_floating_point())
        return next(kinds, torch.float32)

    def _tensors(self) -> Iterator[Tensor]:
        return chain(self.network.parameters(), self.network.buffers())

    @cached_property
    def _modules(self) -> tuple[nn.Module, ...]:
        return tuple(self.network.modules())

    @classmethod
    def with_weights(
        cls,
        network: nn.Module,
        preprocessing: Preprocessing,
        weights: str | None,
        *,
        key: str | Sequence[str] | None = None,
        prefix: str | Mapping[str, str | None] = "",
        licence: str = "unknown",
        **rest: Any,
    ) -> Self:
        """Load a checkpoint into the network, running no code of it, and build the backbone.

        Args:
            network: to load into; nothing of it may be missing.
            preprocessing: maps RGB images to the network's input.
            weights: file of PyTorch or safetensors, folder of the hub, or index of a sharded one; None leaves the
                network as it is.
            key: entry of the checkpoint that holds the state dict; without it, or where it is missing, the state dict
                is found by its content. Several entries make one state dict, in which "entry." precedes the keys of
                each.
            prefix: of the keys to take, cut off; or a mapping from prefixes to what replaces them, None to leave
                such keys out. The longest matching prefix counts; keys that start with none are left out. What stands
                before it in all of the network's keys, such as "module.", is cut off too.
            licence: of the weights.
            rest: further fields of the backbone.

        Raises:
            WeightsError: if the file cannot be read or does not fit.
        """
        if weights is None:
            return cls(network, preprocessing, WeightsInfo(AS_BUILT, network_sha256(network), licence), **rest)
        note = load_checkpoint(network, weights, key, prefix)
        info = WeightsInfo(Path(weights).absolute().name, file_sha256(weights), licence)
        return cls(network, preprocessing, info, **rest, note=note)


def resolve_layers(network: nn.Module, patterns: Iterable[str]) -> tuple[str, ...]:
    """Expand dotted names and globs to module names, in the order of `network.named_modules()`.

    Raises:
        UnknownNameError: if one of them matches no module; the text gives the nearest names.
    """
    names = [name for name, _ in network.named_modules() if name]
    chosen: set[str] = set()
    for pattern in patterns:
        matching = [name for name in names if name == pattern or fnmatchcase(name, pattern)]
        if not matching:
            raise UnknownNameError.among("layer", pattern, names)
        chosen.update(matching)
    return tuple(name for name in names if name in chosen)


@dataclass(frozen=True)
class AlignedFace:
    """The face cut out of a photograph, and what the aligner knows of it.

    Args:
        image: `[height, width, 3]` RGB uint8 crop.
        faces_found: number of faces in the photograph.
        landmarks: of the face, in the photograph; without them, its pose and place there are not measured.
        areas: of the boxes of all faces that were found, in any unit; without them, other faces count as if they were
            as large as this one.
    """

    image: Pixels
    faces_found: int
    landmarks: FaceLandmarks | None = None
    areas: tuple[float, ...] = ()


class Aligner(Protocol):
    """Finds the largest face in a photograph and brings it into a template.

    An aligner plugin registers a factory `f(alignment: str, size: tuple[int, int], **options) -> Aligner` in the
    entry-point group "froq_lightning.aligners"; it raises ValueError for an alignment it does not know.
    """

    def __call__(self, image: Pixels) -> AlignedFace | None:
        """Align the largest face of an RGB `[h, w, 3]` uint8 image; None where no face is found."""
