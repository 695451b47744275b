"""FROQ (IJCB 2025): quality from the layer norms that an Observer names, in one forward pass."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from torch import Tensor, nn

from froq_lightning.backbones.spec import Backbone
from froq_lightning.calibration.observer import Observer
from froq_lightning.errors import BackboneError
from froq_lightning.methods.quality_method import ScoresOf, SharedPassMethod
from froq_lightning.observation.independence import dependent_layers
from froq_lightning.observation.scoring_norms import CompiledNorms, ScoringNorms

# Of `torch.compile`, as it calls them.
CompileMode = Literal["default", "reduce-overhead", "max-autotune", "max-autotune-no-cudagraphs"]


@dataclass(frozen=True)
class FroqQuality(SharedPassMethod):
    """Scores images by an Observer. A pass ends behind the deepest observed layer, unless embeddings are wanted.

    Args:
        observer: names the layers.
        compile: whether to compile the network with `torch.compile`, for passes that serve no other method; or the mode
            of that.
    """

    observer: Observer
    compile: bool | CompileMode = False
    _norms: dict[tuple[nn.Module, bool, bool], ScoringNorms | CompiledNorms] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def require_independent(self, backbone: Backbone) -> None:
        """Refuse observed layers whose norms for an image depend on more than that image; costs a few passes.

        Raises:
            BackboneError: naming the first one.
        """
        for layer, reason in dependent_layers(backbone, self._layers()).items():
            raise BackboneError(f"the observer reads layer {layer!r}, which {reason}; calibrate anew")

    def score(self, backbone: Backbone, images: Tensor) -> Tensor:
        """Score `[B, 3, H, W]` RGB images (uint8 or 0..1): `[B]` float64 on the CPU, unbounded, higher is better."""
        return self._observe(backbone, images, stop_early=True)[0]

    def watch(self, backbone: Backbone, inputs: Tensor) -> AbstractContextManager[ScoresOf]:
        """Observe the layers in a pass that others read too; see `SharedPassMethod.watch`."""
        norms = cast("ScoringNorms", self._norms_of(backbone, stop_early=False, compiled=False))
        return self._watched(norms, inputs)

    @contextmanager
    def _watched(self, norms: ScoringNorms, inputs: Tensor) -> Iterator[ScoresOf]:
        with norms:
            norms.begin(len(inputs))
            yield lambda _output: self._scores(norms.table(inputs))

    def score_and_embed(self, backbone: Backbone, images: Tensor) -> tuple[Tensor, Tensor]:
        """Score images as `score` does; from the same pass, which is a whole one, also their `[B, D]` embeddings."""
        scores, output = self._observe(backbone, images, stop_early=False)
        return scores, backbone.embed(output)

    def parameters(self) -> dict[str, Any]:
        """The layers and weights of the Observer, and how it was selected, as JSON values."""
        return {
            "preset": self.observer.preset,
            "aggregation": self.observer.aggregation,
            "layers": self._layers(),
            "weights": [layer.weight for layer in self.observer.layers],
            "set_utility": self.observer.set_utility,
            "set_utility_cv": self.observer.cross_validated and self.observer.cross_validated.rho,
        }

    def _observe(self, backbone: Backbone, images: Tensor, *, stop_early: bool) -> tuple[Tensor, Any]:
        with self._norms_of(backbone, stop_early=stop_early, compiled=bool(self.compile)) as norms:
            scoring_pass = norms.observe(backbone.inputs(images))
        return self._scores(scoring_pass.norms), scoring_pass.output

    def _scores(self, norms: Tensor) -> Tensor:
        """Score on the CPU: one copy back from a GPU, and the sums in float64 are the same everywhere."""
        return self.observer.scores(norms.cpu())

    def _norms_of(self, backbone: Backbone, *, stop_early: bool, compiled: bool) -> ScoringNorms | CompiledNorms:
        key = (backbone.network, stop_early, compiled)
        if key not in self._norms:
            self.require_independent(backbone)
            if compiled:
                mode = self.compile if isinstance(self.compile, str) else "default"
                norms = CompiledNorms(backbone.network, self._layers(), with_output=not stop_early, mode=mode)
            self._norms[key] = (
                norms if compiled else ScoringNorms(backbone.network, self._layers(), stop_early=stop_early)
            )
        return self._norms[key]

    def _layers(self) -> list[str]:
        return [layer.name for layer in self.observer.layers]
