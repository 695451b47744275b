"""ATTN-FIQA beside the whole matrix of logits of the last block."""

from typing import Any

import pytest
import torch
from torch import Tensor
from vit_by_hand import SMALL_NETWORKS, seeded, small_vit, steps

from froq_lightning.backbones.spec import Backbone
from froq_lightning.methods.attn_fiqa import AttnFiqa

NETWORKS: dict[str, dict[str, Any]] = {
    "timm": {"architecture": "vit_tiny_patch16_224", "img_size": 112},
    "insightface_vit_t": {},
    "insightface_vit_s": {},
    "transface_vit_s": {},
}


def by_hand(backbone: Backbone, images: Tensor) -> list[float]:
    logits, _ = list(steps(backbone.network, backbone.inputs(images)))[-1]
    return logits.mean(dim=(1, 2, 3)).tolist()


@pytest.mark.parametrize("name", NETWORKS)
def test_it_is_the_mean_logit_on_real_faces(name: str, calibration_images: Tensor) -> None:
    backbone, images = seeded(name, **NETWORKS[name]), calibration_images[::12]
    scores = AttnFiqa().score(backbone, images)
    assert scores.tolist() == pytest.approx(by_hand(backbone, images), rel=1e-4, abs=1e-5)
    assert len(set(scores.tolist())) == len(images)


@pytest.mark.parametrize("is_fused", [True, False], ids=["fused", "unfused"])
@pytest.mark.parametrize("kind", SMALL_NETWORKS)
def test_it_is_the_mean_logit_with_other_tokens_too(kind: str, is_fused: bool, small_images: Tensor) -> None:
    backbone = small_vit(kind)
    for block in backbone.network.blocks:
        block.attn.fused_attn = is_fused
    scores = AttnFiqa().score(backbone, small_images).tolist()
    assert scores == pytest.approx(by_hand(backbone, small_images), rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("is_fused", [True, False], ids=["fused", "unfused"])
def test_queries_and_keys_are_those_after_rotary_embedding(is_fused: bool, small_images: Tensor) -> None:
    options = {"embed_dim": 32, "depth": 3, "num_heads": 2, "num_classes": 20, "patch_size": 8}
    backbone = seeded("timm", architecture="eva02_tiny_patch14_224", size=32, img_size=32, **options)
    for block in backbone.network.blocks:
        block.attn.fused_attn = is_fused
    scores = AttnFiqa().score(backbone, small_images)
    assert scores.tolist() == pytest.approx(by_hand(backbone, small_images), rel=1e-4, abs=1e-5)
    backbone.network.rope = None
    assert not torch.allclose(scores, AttnFiqa().score(backbone, small_images), rtol=1e-3)
