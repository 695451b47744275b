"""What the plugins' tests share: reference files, and the comparison of a network with its published fingerprint."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

PRELU, NORMALISATION = (nn.PReLU,), (_NormBase, nn.LayerNorm, nn.GroupNorm)
# What recipe 2 draws around one, because recipe 1 leaves it next to unseen.
SCALES = (".gamma", ".gamma_xca", ".temperature")

MatchesFingerprint = Callable[..., None]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder `shared` with real faces, weights and reference figures."""
    for folder in Path(__file__).resolve().parents:
        if (folder / "shared" / "golden").is_dir():
            return folder / "shared"
    pytest.skip("needs reference figures: no folder shared/golden beside the checkout")


@pytest.fixture(scope="session")
def matches_fingerprint(shared: Path) -> MatchesFingerprint:
    """`matches_fingerprint(network, "iresnet18")`: asserts equal keys and shapes, embedding and inner norms.

    `embed` takes the compared tensor out of the network's output.
    """

    def check(network: nn.Module, name: str, embed: Callable[[Any], Tensor] = lambda output: output) -> None:
        published = json.loads((shared / "golden" / "architectures" / f"{name}.json").read_text())
        own = {key: [list(value.shape), str(value.dtype)[6:]] for key, value in network.state_dict().items()}
        assert own == {key: [shape, kind] for key, shape, kind in published["keys"]}
        generator = torch.Generator().manual_seed(published["input"]["seed"])
        inputs = torch.randn(*published["input"]["shape"], generator=generator).clamp(-1, 1)
        for recipe, expected in ((1, published), (2, published.get("recipe_2"))):
            if expected is not None:
                fill(network, recipe)
                _compare(network.eval(), inputs, expected, embed)

    return check


def fill(network: nn.Module, recipe: int = 1) -> None:
    """Fill a network with the deterministic weights that the fingerprints were taken with."""
    parameters = {name for name, _ in network.named_parameters()}
    for seed, (key, value) in enumerate(sorted(network.state_dict().items())):
        drawn = torch.randn(value.shape, generator=torch.Generator().manual_seed(seed))
        owner, _, kind = key.rpartition(".")
        if kind in ("running_mean", "running_var"):
            value.copy_(0.1 * drawn if kind == "running_mean" else 1 + 0.1 * drawn.abs())
        elif key in parameters:
            value.copy_(_parameter(key, network.get_submodule(owner), drawn, recipe))


def _parameter(key: str, owner: nn.Module, drawn: Tensor, recipe: int) -> Tensor:
    if recipe == 2 and key.endswith(SCALES):
        return 1 + 0.1 * drawn
    if drawn.ndim >= 2:
        return drawn / (drawn.numel() / drawn.shape[0]) ** 0.5 if key.endswith("weight") else 0.02 * drawn
    if key.endswith("weight") and isinstance(owner, NORMALISATION):
        return 1 + 0.1 * drawn
    return 0.25 + 0.05 * drawn if isinstance(owner, PRELU) else 0.05 * drawn


def _compare(network: nn.Module, inputs: Tensor, expected: dict[str, Any], embed: Callable[[Any], Tensor]) -> None:
    norms: dict[str, Tensor] = {}
    for name in expected["module_norms"]:
        network.get_submodule(name).register_forward_hook(_taking(norms, name, len(inputs)))
    with torch.no_grad():
        embedding = embed(network(inputs))
    for name, published in expected["module_norms"].items():
        torch.testing.assert_close(
            norms[name],
            torch.tensor(published, dtype=torch.float64),
            rtol=1e-5,
            atol=0,
            msg=lambda m, n=name: f"{n}: {m}",
        )
    largest = float(embedding.abs().max())
    for row in (0, 1):
        first = torch.tensor(expected["embedding"][f"row{row}_first16"])
        torch.testing.assert_close(embedding[row, :16], first, rtol=0, atol=1e-5 * largest)
    lengths = torch.tensor(expected["embedding"]["row_l2"])
    torch.testing.assert_close(embedding.norm(dim=1), lengths, rtol=1e-5, atol=0)


def _taking(norms: dict[str, Tensor], name: str, batch: int) -> Callable[[nn.Module, Any, Tensor], None]:
    def hook(module: nn.Module, args: Any, output: Tensor) -> None:
        del module, args
        norms[name] = output.double().reshape(batch, -1).norm(dim=1)

    return hook
