"""What a run will take is known before it: from a few images of noise."""

import math
import time
from dataclasses import dataclass

import pytest
from torch import Tensor

from froq_lightning.backbones.spec import Backbone
from froq_lightning.calibration.observer import Observer
from froq_lightning.errors import BackboneError
from froq_lightning.methods.embedding_norm import EmbeddingNorm
from froq_lightning.methods.froq import FroqQuality
from froq_lightning.methods.plan import plan
from froq_lightning.methods.quality_method import QualityMethod
from froq_lightning.methods.scoring import MethodScorer


@dataclass(frozen=True)
class Sleeping(QualityMethod):
    """Takes its time for every image."""

    seconds: float = 0.0

    def score(self, backbone: Backbone, images: Tensor) -> Tensor:
        del backbone
        if not self.seconds:
            raise BackboneError("it does not tire")
        time.sleep(self.seconds * len(images))
        return images.float().mean(dim=(1, 2, 3))


@pytest.mark.parametrize("seconds", [0.05, 0.3])
def test_the_time_of_a_method_is_that_of_its_own_work(small_backbone: Backbone, seconds: float) -> None:
    planned = plan(MethodScorer(small_backbone, {"slow": Sleeping(seconds)}), batch_size=32)
    (method,) = planned.methods
    assert method.milliseconds == pytest.approx(1000 * seconds, rel=0.5)
    assert planned.milliseconds == planned.pass_milliseconds + method.milliseconds
    assert method.passes > 1


def test_what_methods_share_is_planned_once_and_refusals_take_no_time(
    small_backbone: Backbone, observer: Observer
) -> None:
    methods = {
        "froq": FroqQuality(observer),
        "length": EmbeddingNorm(),
        "tired": Sleeping(),
        "slow": Sleeping(0.2),
    }
    planned = plan(MethodScorer(small_backbone, methods), batch_size=1)
    by_name = {method.name: method for method in planned.methods}
    assert list(by_name) == list(methods)
    assert by_name["tired"].refusal == "it does not tire"
    assert math.isnan(by_name["tired"].milliseconds)
    assert by_name["slow"].milliseconds > max(by_name["froq"].milliseconds, by_name["length"].milliseconds) >= 0
    assert math.isfinite(planned.milliseconds)
