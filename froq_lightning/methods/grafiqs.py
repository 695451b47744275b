"""GraFIQs (Kolf et al., CVPR Workshops 2024): how far an image would pull the network from what it was trained on."""

from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from froq_lightning.backbones.frozen import run_frozen
from froq_lightning.backbones.spec import Backbone
from froq_lightning.errors import BackboneError, ConfigurationError
from froq_lightning.methods.module_calls import ModuleCall, replaced_output
from froq_lightning.methods.quality_method import QualityMethod

DEEPEST = 4
OTHER = "choose another method"
Size = tuple[int, int]


@dataclass(frozen=True)
class GraFIQs(QualityMethod):
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
        super().__post_init__()
        if not 0 <= self.depth <= DEEPEST:
            raise ConfigurationError(f"Expected `depth` to be 0 to {DEEPEST}, but got {self.depth}")

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
            return torch.cat([_GradientPass(stage).score(backbone, part) for part in inputs.split(self.micro_batch)])

    def _stage(self, network: nn.Module, inputs: Tensor) -> ModuleCall | None:
        if not any(isinstance(module, nn.BatchNorm2d) for module in network.modules()):
            raise BackboneError(f"GraFIQs needs BatchNorm2d layers, but {type(network).__name__} has none; {OTHER}")
        if not self.depth:
            return None
        stages = normalised_stages(network, inputs)[-DEEPEST:]
        if len(stages) < self.depth:
            raise BackboneError(
                f"Expected {type(network).__name__} to have {self.depth} stages that a BatchNorm2d follows, but got "
                f"{len(stages)}; choose a smaller `depth` or another method"
            )
        return stages[self.depth - 1]


class _GradientPass:
    """A pass of a few images whose graph begins at the image, or at the output of one stage."""

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
                backbone.run(self._begin_graph(inputs))
            else:
                hooks.enter_context(replaced_output(network, self.stage, self._begin_graph))
                backbone.run(inputs)
        if not self._distances:
            where = f"after {self.stage.name!r}" if self.stage else "that ran"
            raise BackboneError(
                f"GraFIQs needs BatchNorm2d layers with running statistics, but {type(network).__name__} has none "
                f"{where}; {OTHER}"
            )
        # Layers before the stage have no gradient there, but count in the mean over all L layers, as published.
        distance = torch.stack(self._distances).sum(dim=0) / self._layers
        # Images do not interact in eval mode, so the gradient of the sum holds each image's own gradient.
        (gradient,) = torch.autograd.grad(distance.sum(), self._leaf)
        # Score = -sum |dD / dx|: a larger gradient means that the image is less like those of the training set.
        return -gradient.float().abs().flatten(1).sum(dim=1)

    def _begin_graph(self, output: Tensor) -> Tensor:
        self._leaf = output.detach().requires_grad_()
        return self._leaf.clone()  # the next layer may write into its input, which a leaf does not allow

    def _compare(self, module: nn.BatchNorm2d, args: tuple[Tensor, ...]) -> None:
        """Add D_l = MSE(mean_l(x), running mean) + MSE(var_l(x), running variance), over the channels of the layer."""
        if module.running_mean is None or module.running_var is None:
            return
        self._layers += 1
        if args[0].requires_grad:
            # Statistics of single images, (H, W) only: those of a batch would mix images.
            variances, means = torch.var_mean(args[0].float(), dim=(2, 3), correction=0)
            errors = (means - module.running_mean).square() + (variances - module.running_var).square()
            self._distances.append(errors.mean(dim=1))


def normalised_stages(network: nn.Module, inputs: Tensor) -> tuple[ModuleCall, ...]:
    """Find the stages: the last output of each size of feature maps that a BatchNorm2d still follows, in their order.

    Outputs inside a module that takes a map of the same size are left out: they are steps of a block, and the next
    stage begins within the block that shrinks the map.

    Args:
        network: to run once.
        inputs: `[B, 3, H, W]` preprocessed images; one is enough.
    """
    watch = _StageWatch()
    with torch.no_grad(), ExitStack() as hooks:
        for name, module in network.named_modules():
            if name:
                hooks.enter_context(module.register_forward_pre_hook(watch.enter))
                hooks.enter_context(module.register_forward_hook(partial(watch.leave, name)))
        run_frozen(network, tuple(network.modules()), inputs.clone())
    return tuple(watch.normalised.values())


class _StageWatch:
    """Follows a pass from module to module.

    Attributes:
        normalised: the last output of each size when the latest BatchNorm2d began.
    """

    def __init__(self) -> None:
        self.normalised: dict[Size, ModuleCall] = {}
        self._latest: dict[Size, ModuleCall] = {}
        self._around: list[Size | None] = []  # sizes of the inputs of the modules that are running, outermost first
        self._runs: Counter[str] = Counter()

    def enter(self, module: nn.Module, args: tuple[Any, ...]) -> None:
        if isinstance(module, nn.BatchNorm2d):
            self.normalised = dict(self._latest)
        self._around.append(_size(args[0]) if args else None)

    def leave(self, name: str, module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        del module, args
        self._around.pop()
        self._runs[name] += 1
        size = _size(output)
        if size is not None and size not in self._around:
            self._latest[size] = ModuleCall(name, self._runs[name])


def _size(value: Any) -> Size | None:
    """Height and width of a map; None for anything else, and for a single pixel."""
    if not isinstance(value, Tensor) or value.ndim != 4 or value.shape[2:].numel() == 1:
        return None
    return value.shape[2], value.shape[3]
