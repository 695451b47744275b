"""SER-FIQ (Terhörst et al., CVPR 2020): how little the embedding varies between random subnetworks."""

from contextlib import ExitStack
from dataclasses import dataclass
from functools import lru_cache, partial

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from froq_lightning.backbones.spec import Backbone
from froq_lightning.errors import BackboneError, ConfigurationError
from froq_lightning.methods.module_calls import ModuleCall, replaced_output
from froq_lightning.methods.quality_method import QualityMethod

# Published for the scores of the authors' network.
ALPHA, R = 130.0, 0.88


@dataclass(frozen=True)
class SerFiq(QualityMethod):
    """Distances between the embeddings of stochastic passes, with the last dropout before the embedding active.

    score = 2 sigmoid(-(2 / m^2) sum of d(x_i, x_j)), over the pairs i < j of the m normalised embeddings of an image,
    with the Euclidean distance d (equation 1 of the paper). The layers up to the dropout run once, the m masks of the
    dropout are shared by all images.

    Args:
        passes: number m of stochastic passes.
        seed: of the masks.
        rate: share of the values that the dropout drops, instead of the network's own.
        scaled: whether to stretch the score by the published sigmoid(130 (score - 0.88)).
        micro_batch: images whose stochastic passes run at once.
    """

    passes: int = 100
    seed: int = 0
    rate: float | None = None
    scaled: bool = False
    micro_batch: int = 8

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.passes < 2:
            raise ConfigurationError(f"Expected `passes` to be at least 2, but got {self.passes}")
        if self.rate is not None and not 0 < self.rate < 1:
            raise ConfigurationError(f"Expected `rate` to be between 0 and 1, but got {self.rate}")

    def score(self, backbone: Backbone, images: Tensor) -> Tensor:
        """Score `[B, 3, H, W]` RGB images (uint8 or 0..1): `[B]` float64 in 0..1, higher is better.

        Raises:
            BackboneError: if the network has no dropout before its embedding, one that drops nothing, or one that
                cannot run several times on what comes before it.
        """
        inputs = backbone.inputs(images)
        with torch.no_grad():
            dropout = _last_dropout(backbone, inputs[:1])
            rate = self._rate(backbone.network, dropout)
            embeddings = [self._embed(backbone, dropout, rate, part) for part in inputs.split(self.micro_batch)]
        scores = torch.cat([2 * torch.sigmoid(-2 / self.passes**2 * _distances(part)) for part in embeddings])
        return torch.sigmoid(ALPHA * (scores - R)) if self.scaled else scores

    def _rate(self, network: nn.Module, dropout: ModuleCall) -> float:
        rate = self.rate or float(getattr(network.get_submodule(dropout.name), "p", 0))
        if not 0 < rate < 1:
            raise BackboneError(
                f"SER-FIQ needs a dropout before the embedding, but {dropout.name!r} of {type(network).__name__} has a "
                f"rate of {rate:g}; the option `rate: 0.5` sets one"
            )
        return rate

    def _embed(self, backbone: Backbone, dropout: ModuleCall, rate: float, inputs: Tensor) -> Tensor:
        """Embed a few images by stochastic passes: `[b, m, D]`."""
        # A single row would be broadcast where the passes of two do not fit.
        rows = inputs if len(inputs) > 1 else inputs.expand(2, -1, -1, -1)
        module = backbone.network.get_submodule(dropout.name)
        replace = partial(_drop, passes=self.passes, seed=self.seed, rate=rate, maps=isinstance(module, nn.Dropout2d))
        try:
            with replaced_output(backbone.network, dropout, replace):
                embeddings = backbone.embed(backbone.run(rows))
        except torch.cuda.OutOfMemoryError:
            raise
        except RuntimeError as error:
            raise _misplaced(backbone.network, dropout, str(error).partition("\n")[0]) from error
        if len(embeddings) != self.passes * len(rows):
            raise _misplaced(backbone.network, dropout, f"{len(rows)} images gave {len(embeddings)} embeddings")
        return embeddings.unflatten(0, (self.passes, len(rows))).transpose(0, 1)[: len(inputs)]


def _last_dropout(backbone: Backbone, inputs: Tensor) -> ModuleCall:
    """Find the last dropout that runs in a pass."""
    names: list[str] = []
    with ExitStack() as hooks:
        for name, module in backbone.network.named_modules():
            if isinstance(module, (nn.Dropout, nn.Dropout2d)):
                hooks.enter_context(module.register_forward_hook(lambda *_, name=name: names.append(name)))
        backbone.run(inputs)
    if not names:
        network = type(backbone.network).__name__
        raise BackboneError(
            f"SER-FIQ needs a dropout before the embedding, but none runs in {network}; choose another method"
        )
    return ModuleCall(names[-1], names.count(names[-1]))


def _drop(values: Tensor, *, passes: int, seed: int, rate: float, maps: bool) -> Tensor:
    """Repeat `[b, ...]` values for every pass, with some of them set to zero: `[m * b, ...]`, image by image."""
    shape = (*values.shape[1:2], *(1 for _ in values.shape[2:])) if maps else tuple(values.shape[1:])
    masks = _masks(passes, shape, seed, rate).to(values.device).unsqueeze(1)
    return (values * masks / (1 - rate)).flatten(0, 1)


@lru_cache(maxsize=4)
def _masks(passes: int, shape: tuple[int, ...], seed: int, rate: float) -> Tensor:
    """Draw the values that each pass does not drop: `[m, *shape]` bool."""
    return torch.rand((passes, *shape), generator=torch.Generator().manual_seed(seed)) >= rate


def _distances(embeddings: Tensor) -> Tensor:
    """Sum of the distances between all pairs of the normalised `[b, m, D]` embeddings of an image: `[b]` float64."""
    unit = normalize(embeddings.double(), dim=-1)
    return torch.cdist(unit, unit, compute_mode="donot_use_mm_for_euclid_dist").sum(dim=(1, 2)) / 2


def _misplaced(network: nn.Module, dropout: ModuleCall, reason: str) -> BackboneError:
    return BackboneError(
        f"SER-FIQ needs a dropout on the only way to the embedding, but the last one of {type(network).__name__}, "
        f"{dropout.name!r}, stands in a branch of it ({reason}); choose another method"
    )
