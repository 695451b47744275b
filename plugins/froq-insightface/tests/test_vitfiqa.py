"""ViT-FIQA beside its formula; what it has in common with other networks is in plugins/tests."""

from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn.functional import batch_norm, layer_norm, linear, relu6, unfold

from froq_lightning.backbones.registry import create_backbone
from froq_lightning.conformance import check_method
from froq_lightning.methods.registry import create_method

State = dict[str, Tensor]


def filled(name: str) -> State:
    """A state dict with the published names, none of its values as a network begins with."""
    generator = torch.Generator().manual_seed(0)
    state = create_backbone(name).network.state_dict()
    for key, value in state.items():
        drawn = torch.randn(value.shape, generator=generator) / max(value[0].numel() if value.ndim else 1, 1) ** 0.5
        state[key] = drawn.abs() + 0.5 if key.endswith("running_var") else drawn.to(value.dtype)
    return state


def normalised(x: Tensor, state: State, name: str) -> Tensor:
    statistics = (state[f"{name}.running_mean"], state[f"{name}.running_var"])
    return batch_norm(x, *statistics, state[f"{name}.weight"], state[f"{name}.bias"], eps=2e-5)


def after_blocks(x: Tensor, state: State) -> Tensor:
    """12 blocks with 8 heads of 64 values."""

    def norm(x: Tensor, name: str) -> Tensor:
        return layer_norm(x, (512,), state[f"{name}.weight"], state[f"{name}.bias"])

    for at in range(12):
        name = f"blocks.{at}"
        heads = linear(norm(x, f"{name}.norm1"), state[f"{name}.attn.qkv.weight"]).chunk(3, dim=2)
        query, key, value = (each.unflatten(2, (8, 64)).transpose(1, 2) for each in heads)
        mixed = ((query @ key.mT) / 8).softmax(dim=-1) @ value
        mixed = mixed.transpose(1, 2).flatten(2)
        x = x + linear(mixed, state[f"{name}.attn.proj.weight"], state[f"{name}.attn.proj.bias"])
        hidden = relu6(linear(norm(x, f"{name}.norm2"), state[f"{name}.mlp.fc1.weight"], state[f"{name}.mlp.fc1.bias"]))
        x = x + linear(hidden, state[f"{name}.mlp.fc2.weight"], state[f"{name}.mlp.fc2.bias"])
    return norm(x, "norm")


def expected(faces: Tensor, state: State) -> tuple[Tensor, Tensor]:
    """Embeddings and qualities."""
    patches = unfold((faces / 255 - 0.5) / 0.5, 9, stride=9).mT
    x = linear(patches, state["patch_embed.proj.weight"].flatten(1), state["patch_embed.proj.bias"])
    has_token = "qs_token" in state
    if has_token:
        x = torch.cat([state["qs_token"].repeat(len(x), 1, 1), x], dim=1)
    x = after_blocks(x + state["pos_embed"], state)
    features = linear(x[:, int(has_token) :].flatten(1), state["feature.0.weight"])
    features = linear(normalised(features, state, "feature.1"), state["feature.2.weight"])
    features = normalised(features, state, "feature.3")
    head = normalised(x[:, 0] if has_token else features, state, "head_qs.0")
    return features, linear(head, state["head_qs.1.weight"])[:, 0]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["vitfiqa_t", "vitfiqa_c"])
def test_its_quality_is_that_of_the_published_head(name: str, faces: Tensor, tmp_path: Path) -> None:
    state = filled(name)
    torch.save(state, tmp_path / "model.pt")
    backbone = create_backbone(name, weights=str(tmp_path / "model.pt"))
    with torch.no_grad():
        embeddings, qualities = expected(faces, state)
    torch.testing.assert_close(backbone.embed(backbone.run(backbone.inputs(faces))), embeddings, rtol=1e-3, atol=1e-3)
    method = create_method("network_quality")
    torch.testing.assert_close(method.score(backbone, faces), qualities, rtol=1e-3, atol=1e-3)
    assert len(set(qualities.tolist())) == len(faces)
    check_method(method, backbone, faces)
