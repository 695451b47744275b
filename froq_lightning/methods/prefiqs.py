"""PreFIQs (arXiv 2605.13396): how little the embedding moves when the network loses its smallest weights."""

from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize
from torch.nn.utils.parametrize import is_parametrized, register_parametrization

from froq_lightning.backbones.frozen import run_frozen
from froq_lightning.backbones.spec import Backbone
from froq_lightning.errors import BackboneError, ConfigurationError
from froq_lightning.methods.quality_method import ForwardPassMethod

Per = Literal["layer", "network"]
State = tuple[tuple[int, int], ...]
OTHER = "choose another method"


@dataclass(frozen=True)
class PreFIQs(ForwardPassMethod):
    """Distance between the embeddings that the network and a pruned copy of it give an image; 2 passes.

    score = 1 - ||e - e'|| / 2, with the L2-normalised embeddings e of the network and e' of the copy, in which the
    smallest weights of all Conv2d and Linear layers, by magnitude, are zero. Biases and other layers stay.

    Args:
        share: of the weights that are set to zero, at most: those that tie at the threshold stay. Small networks break
            down sooner; for EdgeFace-XXS and a MobileFaceNet, 0.2 ranks faces better.
        per: whether that share is taken of every `layer`, or of the weights of the whole `network`. The paper does not
            say which. Of every layer is the default: a layer that BatchNorm follows may have weights of any scale.
        micro_batch: images per forward pass.
    """

    share: float = 0.4
    per: Per = "layer"
    micro_batch: int = 32

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.share < 1:
            raise ConfigurationError(f"Expected `share` to be between 0 and 1, but got {self.share}")
        if self.per not in ("layer", "network"):
            raise ConfigurationError(f"Expected `per` to be layer or network, but got {self.per!r}")

    def score_pass(self, backbone: Backbone, inputs: Tensor, output: Any) -> Tensor:
        """Score `[B, 3, H, W]` preprocessed inputs from the network's output for them: `[B]` float32 in 0..1.

        Raises:
            BackboneError: if the network has no Conv2d or Linear layers, or some whose weights cannot be pruned.
        """
        pruned = self._pruned(backbone.network)
        with torch.no_grad():
            parts = [backbone.embed(run_frozen(pruned, (), part.clone())) for part in inputs.split(self.micro_batch)]
        moved = normalize(backbone.embed(output).float()) - normalize(torch.cat(parts).float())
        return 1 - torch.linalg.vector_norm(moved, dim=1) / 2

    @cached_property
    def _copies(self) -> dict[nn.Module, tuple[State, nn.Module]]:
        return {}

    def _pruned(self, network: nn.Module) -> nn.Module:
        """Return a pruned copy, made anew when the network's weights were moved or changed."""
        state = _state(network)
        if network not in self._copies or self._copies[network][0] != state:
            # A copy whose tensors were made in inference mode would be of no use outside it.
            with torch.inference_mode(mode=False), torch.no_grad():
                self._copies[network] = state, _pruned_copy(network, self.share, self.per)
        return self._copies[network][1]


class _Masked(nn.Module):
    """Masks a weight that is computed whenever it is read."""

    mask: Tensor

    def __init__(self, mask: Tensor) -> None:
        super().__init__()
        self.register_buffer("mask", mask)

    def forward(self, weight: Tensor) -> Tensor:
        return weight * self.mask


def _state(network: nn.Module) -> State:
    """Where a network's tensors lie, and how often they were written to, which those of inference mode do not count."""
    tensors = chain(network.parameters(), network.buffers())
    return tuple((tensor.data_ptr(), 0 if tensor.is_inference() else tensor._version) for tensor in tensors)


def _pruned_copy(network: nn.Module, share: float, per: Per) -> nn.Module:
    copy = _copy(network)
    layers = {name: module for name, module in copy.named_modules() if isinstance(module, (nn.Conv2d, nn.Linear))}
    if not layers:
        raise BackboneError(f"PreFIQs needs Conv2d or Linear layers, but {type(network).__name__} has none; {OTHER}")
    weights = [layer.weight for layer in layers.values()]
    for name, weight in zip(layers, weights, strict=True):
        if not isinstance(weight, Tensor) or not weight.is_floating_point():
            kind = f"one of {weight.dtype}" if isinstance(weight, Tensor) else type(weight).__name__
            raise BackboneError(
                f"PreFIQs needs floating-point weights, but {name!r} of {type(network).__name__} has {kind}; {OTHER}"
            )
    masks = [_masks([weight], share)[0] for weight in weights] if per == "layer" else _masks(weights, share)
    for layer, mask in zip(layers.values(), masks, strict=True):
        _prune(layer, mask)
    return copy


def _copy(network: nn.Module) -> nn.Module:
    try:
        return deepcopy(network).eval()
    except torch.OutOfMemoryError:
        raise
    except (TypeError, RuntimeError) as error:
        reason = str(error).partition("\n")[0]
        raise BackboneError(
            f"PreFIQs needs a copy of {type(network).__name__}, which fails: {reason}; {OTHER}"
        ) from error


def _masks(weights: list[Tensor], share: float) -> list[Tensor]:
    """Mask, tensor by tensor, the weights that are not among that share of them all whose magnitude is smallest."""
    magnitudes = torch.cat([weight.abs().flatten() for weight in weights])
    # By a threshold, since of equal weights devices would choose different ones.
    threshold = magnitudes.topk(int(share * len(magnitudes)) + 1, largest=False, sorted=False).values.max()
    return [weight.abs() >= threshold for weight in weights]


def _prune(layer: nn.Conv2d | nn.Linear, mask: Tensor) -> None:
    if is_parametrized(layer, "weight"):
        register_parametrization(layer, "weight", _Masked(mask))
    elif "weight" in vars(layer):  # no parameter: a hook, as of `torch.nn.utils.prune`, computes it before each pass
        layer.register_forward_pre_hook(lambda layer, _: setattr(layer, "weight", layer.weight * mask))
    else:
        layer.weight.mul_(mask)
