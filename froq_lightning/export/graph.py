"""A network and its Observer as one module that torch.export can trace."""

from typing import Any

import torch
from torch import Tensor, nn

from froq_lightning.backbones.spec import Backbone
from froq_lightning.calibration.aggregation import aggregate
from froq_lightning.calibration.observer import Observer
from froq_lightning.errors import BackboneError
from froq_lightning.observation.layer_taps import LayerTaps

EMBEDDING, QUALITY_SCORE, QUALITY = "embedding", "quality_score", "quality"


class GraphNorms(LayerTaps):
    """Context manager that adds the norms of the observed layers to a graph while a network is traced."""

    def __init__(self, network: nn.Module, layers: list[str]) -> None:
        super().__init__(network, layers, self._note)
        self.layers = layers
        self.start(1)

    def start(self, batch: int) -> None:
        """Forget the last pass; the next one has that many images."""
        self._batch = batch
        self._norms: dict[int, Tensor] = {}

    def table(self) -> Tensor:
        """Return the norms of the pass, `[N, K]` float32.

        Raises:
            BackboneError: if a layer did not fire, or returned no tensor.
        """
        for column, layer in enumerate(self.layers):
            if column not in self._norms:
                raise BackboneError(
                    f"the observed layer {layer!r} does not fire while the network is traced; calibrate with other "
                    "layers as backbone_options.layers, or change the network so that it calls this one"
                )
        return torch.stack([self._norms[column] for column in range(len(self.layers))], dim=1)

    def _note(self, column: int, output: Any) -> None:
        if isinstance(output, Tensor):
            self._norms[column] = image_norms(output, self._batch)


def image_norms(output: Tensor, batch: int) -> Tensor:
    """L2 norm of each image's share of a layer's output, `[B * k, ...]` to `[B]` float32.

    The norm of norms along one dimension after the other: runtimes add up values one by one in float32, and over a
    whole activation would lose two digits.
    """
    norms = output.float().reshape(batch, -1, *output.shape[1:])
    while norms.ndim > 1:
        norms = torch.linalg.vector_norm(norms, dim=-1)
    return norms


class QualityGraph(nn.Module):
    """Maps images to embeddings and qualities; to be traced inside a `with graph.norms` block.

    Args:
        backbone: its network is in eval mode, and of the type that the graph is to compute in.
        observer: made for it.
        quality_only: whether to leave the embedding out.
        with_preprocessing: whether images come as `[N, 3, H, W]` uint8 RGB instead of float32 input of the network.
    """

    means: Tensor
    stds: Tensor
    weights: Tensor
    quantiles: Tensor

    def __init__(
        self, backbone: Backbone, observer: Observer, *, quality_only: bool = False, with_preprocessing: bool = False
    ) -> None:
        super().__init__()
        self.network = backbone.network
        self.outputs = (QUALITY_SCORE, QUALITY) if quality_only else (EMBEDDING, QUALITY_SCORE, QUALITY)
        self.takes = torch.uint8 if with_preprocessing else torch.float32
        self.norms = GraphNorms(backbone.network, [layer.name for layer in observer.layers])
        self._backbone, self._rule = backbone, observer.aggregation
        moments = [(layer.mean, layer.std, layer.weight) for layer in observer.layers]
        for name, values in zip(("means", "stds", "weights"), zip(*moments, strict=True), strict=True):
            self.register_buffer(name, torch.tensor(values, dtype=torch.float64))
        self.register_buffer("quantiles", torch.tensor(observer.quantiles, dtype=torch.float64))

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Return `[N, D]` float32 embeddings, unless left out, `[N]` float32 scores and `[N]` int64 qualities."""
        # Networks may change their input in place, and the graph shall not change that of its caller.
        inputs = self._backbone.preprocessing(images) if self.takes == torch.uint8 else images.clone()
        self.norms.start(images.shape[0])
        output = self.network(inputs.to(self._backbone.dtype))
        scores = aggregate(self.norms.table(), self._rule, self.means, self.stds, self.weights)
        qualities = scores.float(), self.quality(scores)
        return qualities if EMBEDDING not in self.outputs else (self._backbone.embed(output).float(), *qualities)

    def quality(self, scores: Tensor) -> Tensor:
        """Do as `Observer.quality` does; ONNX has no operator for a binary search, so smaller quantiles are counted."""
        smaller = (self.quantiles < scores[:, None]).sum(dim=1)
        return (smaller - 1).clamp(0, 100).where(scores.isfinite(), -1)
