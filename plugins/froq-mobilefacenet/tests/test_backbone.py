"""The network against its published fingerprint, and with real weights as a backbone."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from froq_mobilefacenet.network import MobileFaceNet
from torch import Tensor

from froq_lightning.backbones.registry import create_backbone
from froq_lightning.conformance import check_backbone
from froq_lightning.observation.norms import LayerNorms


@pytest.fixture
def shared() -> Path:
    for parent in Path(__file__).resolve().parents:
        if (parent / "shared" / "golden").is_dir():
            return parent / "shared"
    pytest.skip("the reference figures are not beside the checkout")


@pytest.fixture
def fingerprint(shared: Path) -> dict[str, Any]:
    return json.loads((shared / "golden" / "architectures" / "xiaoccer_mobilefacenet.json").read_text())


def deterministic(key: str, value: Tensor, seed: int) -> Tensor:
    """Weights of the fingerprint's recipe."""
    if not value.is_floating_point():
        return value
    drawn = torch.randn(value.shape, generator=torch.Generator().manual_seed(seed))
    if key.endswith("running_var"):
        return 1 + 0.1 * drawn.abs()
    if key.endswith("running_mean"):
        return 0.1 * drawn
    if value.ndim >= 2:
        return drawn / (value.numel() / value.shape[0]) ** 0.5
    if key.endswith("bias"):
        return 0.05 * drawn
    return 0.25 + 0.05 * drawn if _is_prelu(key) else 1 + 0.1 * drawn


def _is_prelu(key: str) -> bool:
    return "prelu" in key or key.split(".")[-2] in ("2", "5")


def test_keys_and_shapes_are_the_published_ones(fingerprint: dict[str, Any]) -> None:
    own = {key: list(value.shape) for key, value in MobileFaceNet().state_dict().items()}
    assert own == {key: shape for key, shape, _ in fingerprint["keys"]}


def test_it_computes_what_the_published_network_computes(fingerprint: dict[str, Any]) -> None:
    network = MobileFaceNet().eval()
    state = network.state_dict()
    network.load_state_dict({key: deterministic(key, state[key], seed) for seed, key in enumerate(sorted(state))})
    generator = torch.Generator().manual_seed(1234)
    inputs = torch.randn(*fingerprint["input"]["shape"], generator=generator).clamp(-1, 1)
    names = tuple(fingerprint["module_norms"])
    with LayerNorms(network, names) as norms:
        seen = norms.observe(inputs)
    expected = torch.tensor([fingerprint["module_norms"][name] for name in names]).T
    torch.testing.assert_close(seen.norms, expected, rtol=1e-5, atol=1e-4)
    first = torch.tensor(fingerprint["embedding"]["row0_first16"])
    torch.testing.assert_close(seen.output[0, :16], first, rtol=0, atol=1e-5 * float(seen.output.abs().max()))


def test_a_crop_of_112_columns_is_embedded_by_its_middle_96() -> None:
    network = MobileFaceNet().eval()
    images = torch.rand(2, 3, 112, 112, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(network(images), network(images[..., 8:104]))


def test_with_real_weights_it_keeps_the_contract_and_every_layer_fires(shared: Path) -> None:
    weights = shared / "data" / "weights" / "mobilefacenet_casia.ckpt"
    layers = check_backbone(create_backbone("mobilefacenet", weights=str(weights)), allow_silent=False)
    assert len(layers) == 169
    assert {layer.name: layer.repeats for layer in layers}["linear7"] == "linear7.bn"
