"""Several methods on one batch: what they share, what they took, and which cannot work."""

import dataclasses
import math
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from froq_lightning.backbones.spec import Backbone
from froq_lightning.calibration.observer import Observer
from froq_lightning.errors import BackboneError
from froq_lightning.methods.froq import FroqQuality
from froq_lightning.methods.perturbation import PerturbationQuality
from froq_lightning.methods.quality_method import QualityMethod
from froq_lightning.methods.scoring import BARE, TIMED_BATCHES, MethodScorer, ScoringCosts


@dataclass(frozen=True)
class Brightness(QualityMethod):
    """A method from elsewhere."""

    def score(self, backbone: Backbone, images: Tensor) -> Tensor:
        del backbone
        return images.float().mean(dim=(1, 2, 3))


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
    scorer = MethodScorer(small_backbone, {"light": Brightness(), "moved": QUICK})
    scores = scorer.score(small_images)
    torch.testing.assert_close(scores.qualities[:, 0], small_images.double().mean(dim=(1, 2, 3)), rtol=1e-6, atol=0)
    torch.testing.assert_close(scores.qualities[:, 1].float(), QUICK.score(small_backbone, small_images))
    with torch.no_grad():
        expected = small_backbone.network(small_backbone.preprocessing(small_images))
    torch.testing.assert_close(scores.embeddings, expected, rtol=0, atol=0)


def test_the_network_runs_once_for_the_embeddings_and_for_methods_that_start_from_them(
    small_backbone: Backbone, small_images: Tensor
) -> None:
    images_seen: list[int] = []
    small_backbone.network.register_forward_hook(lambda _, inputs, __: images_seen.append(len(inputs[0])))
    flip = PerturbationQuality(noise=0, occlusion=0)
    MethodScorer(small_backbone, {"flip": flip, "again": flip}).score(small_images[:5])
    assert sum(images_seen) == 3 * 5


def test_methods_that_look_at_layers_share_that_pass_too(
    small_backbone: Backbone, small_images: Tensor, observer: Observer
) -> None:
    observers = [observer, dataclasses.replace(observer, layers=observer.layers[:1])]
    alone = [FroqQuality(each).score(small_backbone, small_images) for each in observers]
    scorer = MethodScorer(
        small_backbone, {f"froq {number}": FroqQuality(each) for number, each in enumerate(observers)}
    )
    for _ in range(TIMED_BATCHES):
        assert scorer.score(small_images).qualities.T.tolist() == [scores.tolist() for scores in alone]
    images_seen: list[int] = []
    small_backbone.network.register_forward_hook(lambda _, inputs, __: images_seen.append(len(inputs[0])))
    assert scorer.score(small_images).qualities.T.tolist() == [scores.tolist() for scores in alone]
    assert images_seen == [len(small_images)]
    assert all("forward" not in vars(module) for module in small_backbone.network.modules())


def test_a_method_that_cannot_work_is_recorded_and_not_run_again(
    small_backbone: Backbone, small_images: Tensor
) -> None:
    scorer = MethodScorer(small_backbone, {"refusing": Refusing(), "light": Brightness()})
    for _ in range(2):
        scores = scorer.score(small_images)
        assert scores.qualities[:, 0].isnan().all()
        assert scores.qualities[:, 1].isfinite().all()
    assert scores.refusals == {"refusing": "the network has no ears"}
    assert set(scores.milliseconds) == {BARE, "light"}


def test_the_time_of_a_method_holds_the_pass_that_it_starts_from(
    small_backbone: Backbone, small_images: Tensor
) -> None:
    scorer = MethodScorer(small_backbone, {"moved": QUICK})
    assert math.isnan(ScoringCosts.of([]).pass_milliseconds)
    batches = [scorer.score(small_images) for _ in range(3)]
    costs = ScoringCosts.of((batch.milliseconds, batch.refusals) for batch in batches)
    assert costs.milliseconds["moved"] > costs.pass_milliseconds > 0


def test_an_error_of_another_kind_is_not_swallowed(small_backbone: Backbone, small_images: Tensor) -> None:
    broken = dataclasses.replace(small_backbone, embed=lambda output: output["embedding"])
    with pytest.raises((TypeError, IndexError)):
        MethodScorer(broken, {"moved": QUICK}).score(small_images)
