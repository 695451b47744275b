"""FaceQAN (Babnik et al., ICPR 2022): how little adversarial noise moves the embedding."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from froq_lightning.backbones.spec import Backbone
from froq_lightning.errors import ConfigurationError
from froq_lightning.methods.quality_method import QualityMethod


@dataclass(frozen=True)
class FaceQan(QualityMethod):
    """Similarities between an image and its adversarial versions, times the symmetry of the face.

    score = (((1 + mean(S)) / 2) * clip(1 - std(S), 0, 1) * s)^p, as in the authors' code: S holds the cosine
    similarities of all k noisy copies before each of the l steps of the basic iterative method, std is that of a
    population, s is the similarity between the image and its mirror image. The noise is shared by all images. A
    negative base keeps its sign whatever the exponent.

    Args:
        samples: number k of noisy copies.
        steps: number l of steps.
        epsilon: largest noise at the start, and size of each step, on the 0..1 scale of the image.
        exponent: p.
        seed: of the noise.
        micro_batch: copies per forward and backward pass; another number changes the scores by about 1e-4 of them.
    """

    samples: int = 10
    steps: int = 5
    epsilon: float = 0.001
    exponent: int = 5
    seed: int = 0
    micro_batch: int = 10

    def __post_init__(self) -> None:
        super().__post_init__()
        if min(self.samples, self.steps, self.exponent) < 1:
            raise ConfigurationError(
                "Expected `samples`, `steps` and `exponent` to be at least 1, but got "
                f"{self.samples}, {self.steps} and {self.exponent}"
            )
        if not 0 < self.epsilon < 1:
            raise ConfigurationError(f"Expected `epsilon` to be between 0 and 1, but got {self.epsilon}")

    def score(self, backbone: Backbone, images: Tensor) -> Tensor:
        """Score `[B, 3, H, W]` RGB images (uint8 or 0..1): `[B]` float64 in -1..1, higher is better."""
        # What was made in inference mode can take no part in a gradient; adding the noise outside it makes new tensors.
        with torch.inference_mode(mode=False):
            backbone.preprocessing.require(images)
            scaled = images / 255 if images.dtype == torch.uint8 else images
            embeddings = self._embed(backbone, scaled)
            symmetry = cosine_similarity(embeddings, self._embed(backbone, scaled.flip(-1))).double()
            similarity = self._similarities(backbone, scaled, embeddings).double()
        spread = similarity.std(dim=1, correction=0)
        base = (1 + similarity.mean(dim=1)) / 2 * (1 - spread).clamp(0, 1) * symmetry
        return base.sign() * base.abs() ** self.exponent

    def _embed(self, backbone: Backbone, images: Tensor) -> Tensor:
        with torch.no_grad():
            parts = [_embedded(backbone, images[rows]) for rows in self._rows(images, len(images))]
        return torch.cat(parts)[: len(images)]

    def _similarities(self, backbone: Backbone, images: Tensor, embeddings: Tensor) -> Tensor:
        """Similarities of all copies at all steps: `[B, k * l]`."""
        generator = torch.Generator().manual_seed(self.seed)
        noise = torch.empty(self.samples, *images.shape[1:]).uniform_(-self.epsilon, self.epsilon, generator=generator)
        noise = noise.to(images)
        count = len(images) * self.samples
        parts = [
            self._attack(backbone, images[image] + noise[copy], embeddings[image])
            for image, copy in ((rows // self.samples, rows % self.samples) for rows in self._rows(images, count))
        ]
        return torch.cat(parts)[:count].view(len(images), -1)

    def _rows(self, images: Tensor, count: int) -> tuple[Tensor, ...]:
        """Cut `count` rows into micro-batches, the last filled up with the last row.

        Networks round differently for other sizes of a batch, and the sign of a gradient makes that a visible change.
        """
        filled = -(-count // self.micro_batch) * self.micro_batch
        return torch.arange(filled, device=images.device).clamp(max=count - 1).split(self.micro_batch)

    def _attack(self, backbone: Backbone, copies: Tensor, embeddings: Tensor) -> Tensor:
        """Move `[n, 3, H, W]` copies away from the embeddings of their images: `[n, l]` similarities on the way."""
        similarities = []
        for step in range(self.steps):
            # The authors' bounds: beyond white they cut, below black they leave room.
            copies = copies.clamp(-1, 1).requires_grad_()
            last = step == self.steps - 1
            with torch.set_grad_enabled(not last):
                similarity = cosine_similarity(embeddings, _embedded(backbone, copies))
            similarities.append(similarity.detach())
            if not last:
                (gradient,) = torch.autograd.grad(similarity.sum(), copies)
                copies = copies.detach() - self.epsilon * gradient.sign()
        return torch.stack(similarities, dim=1)


def _embedded(backbone: Backbone, images: Tensor) -> Tensor:
    return backbone.embed(backbone.run(backbone.inputs_of(images))).float()
