import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor

from froq_lightning.backbones.spec import Backbone
from froq_lightning.errors import BackboneError
from froq_lightning.methods.panel import MethodPanel
from froq_lightning.methods.perturbation import PerturbationQuality


@dataclass(frozen=True)
class Brightness:
    """A method from elsewhere."""

    def score(self, backbone: Backbone, images: Tensor) -> Tensor:
        del backbone
        return images.float().mean(dim=(1, 2, 3))

    def parameters(self) -> dict[str, Any]:
        return {}


@dataclass(frozen=True)
class Refusing(Brightness):
    """A method that cannot work on the network."""

    def score(self, backbone: Backbone, images: Tensor) -> Tensor:
        del backbone, images
        raise BackboneError("the network has no ears")


QUICK = PerturbationQuality(noise=0, occlusion=2)


def test_it_gives_what_each_method_gives_alone_and_the_embeddings(
    small_backbone: Backbone, small_images: Tensor
) -> None:
    panel = MethodPanel(small_backbone, {"light": Brightness(), "moved": QUICK})
    told = panel.score(small_images)
    torch.testing.assert_close(told.qualities[:, 0], small_images.double().mean(dim=(1, 2, 3)), rtol=1e-6, atol=0)
    torch.testing.assert_close(told.qualities[:, 1].float(), QUICK.score(small_backbone, small_images))
    with torch.no_grad():
        expected = small_backbone.network(small_backbone.preprocessing(small_images))
    torch.testing.assert_close(told.embeddings, expected, rtol=0, atol=0)


def test_the_network_runs_once_for_the_embeddings_and_for_methods_that_start_from_them(
    small_backbone: Backbone, small_images: Tensor
) -> None:
    images_seen: list[int] = []
    small_backbone.network.register_forward_hook(lambda _, inputs, __: images_seen.append(len(inputs[0])))
    flip = PerturbationQuality(noise=0, occlusion=0)
    MethodPanel(small_backbone, {"flip": flip, "again": flip}).score(small_images[:5])
    assert sum(images_seen) == 3 * 5


def test_a_method_that_cannot_work_is_told_and_never_asked_again(
    small_backbone: Backbone, small_images: Tensor
) -> None:
    panel = MethodPanel(small_backbone, {"refusing": Refusing(), "light": Brightness()})
    for _ in range(2):
        told = panel.score(small_images)
        assert told.qualities[:, 0].isnan().all()
        assert told.qualities[:, 1].isfinite().all()
    assert panel.refusals == {"refusing": "the network has no ears"}
    assert set(panel.milliseconds()) == {"light"}


def test_the_time_of_a_method_holds_the_pass_that_it_starts_from(
    small_backbone: Backbone, small_images: Tensor
) -> None:
    panel = MethodPanel(small_backbone, {"moved": QUICK})
    assert math.isnan(panel.pass_milliseconds())
    for _ in range(3):
        panel.score(small_images)
    assert panel.milliseconds()["moved"] > panel.pass_milliseconds() > 0


def test_an_error_of_another_kind_is_not_swallowed(small_backbone: Backbone, small_images: Tensor) -> None:
    broken = dataclasses.replace(small_backbone, embed=lambda output: output["embedding"])
    with pytest.raises((TypeError, IndexError)):
        MethodPanel(broken, {"moved": QUICK}).score(small_images)
