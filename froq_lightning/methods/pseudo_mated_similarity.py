"""Labels without subjects: how alike the network finds an image, or a degraded copy of it, and altered versions of it.

An altered version stands for a mate: another photograph of the same face. Only a degraded copy shows how much a
degradation harms, since an image that is bad to begin with is as alike to its versions as a good one.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize
from torchvision.transforms.v2 import functional as transforms

from froq_lightning.backbones.spec import Backbone
from froq_lightning.errors import CalibrationError
from froq_lightning.methods.quality_method import SetLabeller, SetLabels

# (rotation in degrees, scale) of the mirrored image.
VERSIONS = ((10.0, 1.0), (-10.0, 1.0), (0.0, 0.88))
# So many samples are compared at a time.
BLOCK = 4096


@dataclass(frozen=True)
class PseudoMatedSimilarity(SetLabeller):
    """Labels images and their degraded copies by their mean cosine similarity to altered versions of the image.

    The versions are mirrored, and turned by 10 degrees either way or reduced to 88 %: three passes an image, none for a
    copy.
    """

    def keep(self, backbone: Backbone, images: Tensor, embeddings: Tensor, is_image: Tensor) -> Tensor:
        """Keep the embeddings and, of images, the mean embedding of their versions: `[B, 2 * D]` float32."""
        own = normalize(embeddings.float(), dim=1)
        mates = torch.zeros_like(own)
        if bool(is_image.any()):
            mates[is_image] = _mean_of_versions(backbone, images[is_image])
        return torch.cat([own, mates], dim=1)

    def label(self, kept: Tensor, subjects: Tensor, originals: Tensor) -> SetLabels:
        """Label the images of a set; see `SetLabeller.label`.

        Raises:
            CalibrationError: if there are no degraded copies.
        """
        self.require_mates(subjects, originals)
        own, mates = kept.chunk(2, dim=1)
        blocks = torch.arange(len(kept)).split(BLOCK)
        labels = [(own[rows].double() * mates[originals[rows]].double()).sum(dim=1) for rows in blocks]
        return SetLabels(torch.cat(labels), {}, _without_label)

    def require_mates(self, subjects: Tensor, originals: Tensor) -> None:
        """Refuse a set without degraded copies.

        Raises:
            CalibrationError: saying what makes them.
        """
        del subjects
        if bool((originals == torch.arange(len(originals))).all()):
            raise CalibrationError(
                "Expected degraded copies of the images, since `pseudo_mated` compares copies with versions of the "
                "image, but got none; leave data.degrade.copies out or set it to 1, or choose another model.labeller"
            )


def _without_label(subject: int) -> str:
    del subject
    return "the image that it is a copy of could not be used"


def _mean_of_versions(backbone: Backbone, images: Tensor) -> Tensor:
    """Mean, over the versions, of the embeddings of `[B, 3, H, W]` images at length 1: `[B, D]` float32."""
    versions = [_altered(images.flip(-1), angle, scale) for angle, scale in VERSIONS]
    with torch.no_grad():
        embeddings = [backbone.embed(backbone.run(backbone.inputs(version))) for version in versions]
    return torch.stack([normalize(each.float(), dim=1) for each in embeddings]).mean(dim=0)


def _altered(images: Tensor, angle: float, scale: float) -> Tensor:
    # Under autocast, places in an image would be rounded to half precision.
    with torch.autocast(images.device.type, enabled=False):
        return transforms.affine(images, angle, [0, 0], scale, [0.0, 0.0], transforms.InterpolationMode.BILINEAR)
