"""GraFIQs (Kolf et al., CVPR Workshops 2024): how far an image would pull the network from what it was trained on."""

from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from froq_lightning.backbones.spec import Backbone
from froq_lightning.errors import BackboneError, ConfigurationError
from froq_lightning.methods.module_calls import ModuleCall, replaced_output
from froq_lightning.methods.stages import normalised_stages

DEEPEST = 4
OTHER = "choose another method"


@dataclass(frozen=True)
class GraFIQs:
    """Minus the magnitude of a gradient: that of the distance between an image's activations and the training set's.

    The distance is the mean, over the BatchNorm2d layers, of the mean squared error between the image's means of the
    channels and the running ones, plus that of the (biased) variances. Its gradient is taken with respect to the image
    or the output of a stage, and its absolute values are summed.

    Args:
        depth: 0 for the image, 1 to 4 for a stage: the four smallest sizes of feature maps, the largest first. Which
            ranks best depends on the network; the last stage of a MobileFaceNet ranks the wrong way round.
        micro_batch: images per forward and backward pass.
    """

    depth: int = 2
    micro_batch: int = 8

    def __post_init__(self) -> None:
        if not 0 <= self.depth <= DEEPEST or self.micro_batch < 1:
            raise ConfigurationError(
                f"Expected `depth` to be 0 to {DEEPEST} and `micro_batch` at least 1, but got {self.depth} and "
                f"{self.micro_batch}"
            )

    def score(self, backbone: Backbone, images: Tensor) -> Tensor:
        """Score `[B, 3, H, W]` RGB images (uint8 or 0..1): `[B]` float32, up to 0, higher is better.

        Raises:
            BackboneError: if the network has no BatchNorm2d, or fewer stages than `depth`.
        """
        network = backbone.network
        # What was made in inference mode can take no part in a gradient; preprocessing outside it makes new tensors.
        with torch.inference_mode(mode=False), torch.enable_grad():
            inputs = backbone.inputs(images)
            stage = self._stage(network, inputs[:1])
            return torch.cat([_Pass(stage).score(backbone, part) for part in inputs.split(self.micro_batch)])

    def parameters(self) -> dict[str, Any]:
        """The parameters that the scores depend on, as JSON values."""
        return {name: value for name, value in asdict(self).items() if name != "micro_batch"}

    def _stage(self, network: nn.Module, inputs: Tensor) -> ModuleCall | None:
        if not any(isinstance(module, nn.BatchNorm2d) for module in network.modules()):
            raise BackboneError(f"GraFIQs needs BatchNorm2d layers, but {_named(network)} has none; {OTHER}")
        if not self.depth:
            return None
        stages = normalised_stages(network, inputs)[-DEEPEST:]
        if len(stages) < self.depth:
            raise BackboneError(
                f"Expected {_named(network)} to have {self.depth} stages that a BatchNorm2d follows, but got "
                f"{len(stages)}; choose a smaller `depth` or another method"
            )
        return stages[self.depth - 1]


class _Pass:
    """A pass of a few images that records what follows one place of the network."""

    def __init__(self, stage: ModuleCall | None) -> None:
        self.stage = stage
        self._distances: list[Tensor] = []
        self._layers = 0

    def score(self, backbone: Backbone, inputs: Tensor) -> Tensor:
        network = backbone.network
        with ExitStack() as hooks:
            for module in network.modules():
                if isinstance(module, nn.BatchNorm2d):
                    hooks.enter_context(module.register_forward_pre_hook(self._compare))
            if self.stage is None:
                backbone.run(self._branch_off(inputs))
            else:
                hooks.enter_context(replaced_output(network, self.stage, self._branch_off))
                backbone.run(inputs)
        if not self._distances:
            where = f"after {self.stage.name!r}" if self.stage else "that ran"
            raise BackboneError(
                f"GraFIQs needs BatchNorm2d layers with running statistics, but {_named(network)} has none {where}; "
                f"{OTHER}"
            )
        distance = torch.stack(self._distances).sum(dim=0) / self._layers
        (gradient,) = torch.autograd.grad(distance.sum(), self._leaf)
        return -gradient.float().abs().flatten(1).sum(dim=1)

    def _branch_off(self, output: Tensor) -> Tensor:
        """Begin the graph here; a copy goes on, since the next layer may write into it."""
        self._leaf = output.detach().requires_grad_()
        return self._leaf.clone()

    def _compare(self, module: nn.BatchNorm2d, args: tuple[Tensor, ...]) -> None:
        if module.running_mean is None or module.running_var is None:
            return
        self._layers += 1
        if args[0].requires_grad:
            variances, means = torch.var_mean(args[0].float(), dim=(2, 3), correction=0)
            errors = (means - module.running_mean).square() + (variances - module.running_var).square()
            self._distances.append(errors.mean(dim=1))


def _named(network: nn.Module) -> str:
    return type(network).__name__
