"""The contracts of quality methods, and of labellers that need a whole set of images.

A method is a frozen dataclass in a file of its own, registered in the entry-point group `froq_lightning.methods`. Its
fields are its options, checked by their annotations, and have defaults. A field of type `Observer` is given as the path
of a file, by default that of the model. `froq_lightning.conformance.check_method` checks a method.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, ClassVar

import torch
from torch import Tensor

from froq_lightning.backbones.spec import Backbone
from froq_lightning.errors import ConfigurationError

# Scores `[B]` from the network's output.
ScoresOf = Callable[[Any], Tensor]


@dataclass(frozen=True)
class Labeller:
    """What can label calibration images: a `QualityMethod` one by one, or a `SetLabeller` the whole set.

    A field `micro_batch`, if there is one, bounds the images of a forward pass; scores do not depend on it.
    """

    def __post_init__(self) -> None:
        if (images := getattr(self, "micro_batch", 1)) < 1:
            raise ConfigurationError(f"Expected `micro_batch` to be at least 1, but got {images}")

    def parameters(self) -> dict[str, Any]:
        """The parameters that the scores or labels depend on, as JSON values; by default, the fields."""
        names = [field.name for field in fields(self) if field.init and field.name != "micro_batch"]
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class QualityMethod(Labeller, ABC):
    """Scores images, each by itself.

    Example:
        >>> @dataclass(frozen=True)
        ... class Contrast(QualityMethod):
        ...     power: float = 1.0
        ...
        ...     def score(self, backbone, images):
        ...         return (images / 255 if images.dtype == torch.uint8 else images).std(dim=(1, 2, 3)) ** self.power
    """

    @abstractmethod
    def score(self, backbone: Backbone, images: Tensor) -> Tensor:
        """Score `[B, 3, H, W]` RGB images (uint8 or 0..1): `[B]`, higher is better, without gradients.

        The score of an image does not depend on the other images. A NaN stands for an image that has none. The network
        and the global random numbers stay as they are.

        Raises:
            BackboneError: if the method cannot work on that network; the text says why.
        """


@dataclass(frozen=True)
class SharedPassMethod(QualityMethod):
    """A method that reads an ordinary forward pass, which is run once for all such methods."""

    def score(self, backbone: Backbone, images: Tensor) -> Tensor:
        """Score `[B, 3, H, W]` RGB images (uint8 or 0..1) from a pass of their own; see `QualityMethod.score`."""
        inputs = backbone.inputs(images)
        with torch.no_grad():
            with self.watch(backbone, inputs) as scores:
                output = backbone.run(inputs)
            return scores(output)

    @abstractmethod
    def watch(self, backbone: Backbone, inputs: Tensor) -> AbstractContextManager[ScoresOf]:
        """Look at the pass of `[B, 3, H, W]` preprocessed inputs that runs within the block, without gradients.

        Whatever needs passes of its own is done before this returns: other methods may look at the pass of the block.

        Returns:
            What is entered scores the images, given the network's output, after the block: `[B]`, higher is better.

        Raises:
            BackboneError: if the method cannot work on that network; the text says why.
        """


@dataclass(frozen=True)
class ForwardPassMethod(SharedPassMethod):
    """A method that starts from the inputs and the output of an ordinary forward pass."""

    def watch(self, backbone: Backbone, inputs: Tensor) -> AbstractContextManager[ScoresOf]:
        """Score as `score_pass` does; see `SharedPassMethod.watch`."""
        return nullcontext(partial(self.score_pass, backbone, inputs))

    @abstractmethod
    def score_pass(self, backbone: Backbone, inputs: Tensor, output: Any) -> Tensor:
        """Score `[B, 3, H, W]` preprocessed inputs from the network's output for them: `[B]`, higher is better."""


@dataclass(frozen=True)
class RandomMethod(QualityMethod):
    """A method whose scores are drawn at random: one draw shows luck, so metrics are means over several."""

    @abstractmethod
    def redraw(self, scores: Tensor, draws: int) -> Tensor:
        """Draw again for the images that got `[N]` scores: `[N, draws]`, the first column being these scores."""


@dataclass(frozen=True)
class SetLabels:
    """The labels of a set.

    Args:
        labels: `[N]` float64, NaN where there is none.
        facts: to be recorded, as JSON values.
        reason: says why an image of a subject (-1: unknown) has no label.
    """

    labels: Tensor
    facts: dict[str, Any]
    reason: Callable[[int], str]


@dataclass(frozen=True)
class SetLabeller(Labeller, ABC):
    """Labels the images of a set by comparing them. It is no quality method, since labels depend on other images.

    Attributes:
        copies: how many degraded copies of every image it needs.
    """

    copies: ClassVar[int] = 1

    @abstractmethod
    def keep(self, backbone: Backbone, images: Tensor, embeddings: Tensor, is_image: Tensor) -> Tensor:
        """Return what `label` will need of some samples.

        Args:
            backbone: the network.
            images: `[B, 3, H, W]` RGB, uint8 or 0..1.
            embeddings: `[B, D]` of them.
            is_image: `[B]` bool, false for degraded copies.

        Returns:
            `[B, R]`: the embeddings, or more.
        """

    @abstractmethod
    def label(self, kept: Tensor, subjects: Tensor, originals: Tensor) -> SetLabels:
        """Label the samples of a set, higher is better. The tensors are on the CPU.

        Args:
            kept: `[N, R]`, NaN for a sample without an embedding.
            subjects: `[N]` int64 numbers of the subjects shown, -1 where unknown.
            originals: `[N]` int64 sample index of the image that a degraded copy was made from, of an image its own.

        Raises:
            CalibrationError: if the set allows no labels.
        """

    @abstractmethod
    def require_mates(self, subjects: Tensor, originals: Tensor) -> None:
        """Refuse a set, before an image is read, whose subjects or copies allow no labels.

        Raises:
            CalibrationError: saying what gives them.
        """
