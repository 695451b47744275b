"""What the plugins' tests share: reference files, comparison with published fingerprints, checkpoints, verification."""

import csv
import json
import os
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from froq_lightning.backbones.spec import Backbone
from froq_lightning.errors import WeightsError

PRELU, NORMALISATION = (nn.PReLU,), (_NormBase, nn.LayerNorm, nn.GroupNorm)
# What recipe 2 draws around one, because recipe 1 leaves it next to unseen.
SCALES = (".gamma", ".gamma_xca", ".temperature")

MatchesFingerprint = Callable[..., None]
Factory = Callable[[str], Backbone]


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


@pytest.fixture(scope="session")
def embedded() -> Callable[[Backbone, Tensor], Tensor]:
    """`embedded(backbone, images)`: embeddings of RGB images."""

    def embed(backbone: Backbone, images: Tensor) -> Tensor:
        with torch.no_grad():
            return backbone.embed(backbone.network(backbone.preprocessing(images)))

    return embed


@pytest.fixture
def loads(tmp_path: Path, embedded: Callable[[Backbone, Tensor], Tensor]) -> Callable[..., Backbone]:
    """`loads(factory, checkpoint, backbone)`: the factory reads the checkpoint, then embeds as the backbone does."""

    def check(factory: Factory, checkpoint: Any, like: Backbone, name: str = "weights.pth") -> Backbone:
        file = tmp_path / name
        torch.save(checkpoint, file)
        loaded = factory(str(file))
        file.unlink()
        size = like.preprocessing.size
        images = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(3))
        assert torch.equal(embedded(loaded, images), embedded(like, images))
        assert loaded.weights.source == name
        return loaded

    return check


@pytest.fixture
def refuses(tmp_path: Path) -> Callable[..., None]:
    """`refuses(factory, checkpoint, told)`: the factory raises a WeightsError that says so."""

    def check(factory: Factory, checkpoint: Any, told: str) -> None:
        torch.save(checkpoint, tmp_path / "weights.pth")
        with pytest.raises(WeightsError, match=told):
            factory(str(tmp_path / "weights.pth"))

    return check


@pytest.fixture
def refuses_damage(tmp_path: Path, refuses: Callable[..., None]) -> Callable[..., None]:
    """`refuses_damage(factory, checkpoint)`: the factory refuses it cut short, and does not run code in it."""

    def check(factory: Factory, checkpoint: dict[str, Any]) -> None:
        refuses(factory, {**checkpoint, "code": Code(tmp_path / "ran")}, "could run code; it was not opened")
        assert not (tmp_path / "ran").exists()
        torch.save(checkpoint, tmp_path / "cut.pth")
        content = (tmp_path / "cut.pth").read_bytes()
        (tmp_path / "cut.pth").write_bytes(content[: len(content) // 2])
        with pytest.raises(WeightsError, match=r"cut\.pth is damaged"):
            factory(str(tmp_path / "cut.pth"))

    return check


class Code:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.folder),)


@pytest.fixture(scope="session")
def true_accept_rate(shared: Path, embedded: Callable[[Backbone, Tensor], Tensor]) -> Callable[..., float]:
    """`true_accept_rate(backbone)`: share of the mated trials of `pairs.csv` accepted at a false match rate of 1e-3."""

    def measure(backbone: Backbone, false_match_rate: float = 1e-3) -> float:
        with (shared / "data" / "pairs.csv").open(newline="") as file:
            trials = list(csv.DictReader(file))
        paths = sorted({trial[side] for trial in trials for side in ("image_a", "image_b")})
        place = {path: index for index, path in enumerate(paths)}
        parts = []
        for start in range(0, len(paths), 8):  # of larger batches the caches hold too little
            images = [Image.open(shared / "data" / "faces" / path) for path in paths[start : start + 8]]
            batch = torch.stack([torch.from_numpy(np.array(image)).permute(2, 0, 1) for image in images])
            parts.append(torch.nn.functional.normalize(embedded(backbone, batch)))
        every = torch.cat(parts)
        first, second = (every[[place[trial[side]] for trial in trials]] for side in ("image_a", "image_b"))
        scores = (first * second).sum(dim=1)
        mated = torch.tensor([trial["mated"].lower() in ("1", "true") for trial in trials])
        impostors = scores[~mated].sort(descending=True).values
        threshold = impostors[int(false_match_rate * len(impostors))]
        return float((scores[mated] > threshold).float().mean())

    return measure


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
    with ExitStack() as hooks, torch.no_grad():
        for name in expected["module_norms"]:
            hooks.enter_context(network.get_submodule(name).register_forward_hook(_taking(norms, name, len(inputs))))
        embedding = embed(network(inputs))
    for name, published in expected["module_norms"].items():
        lengths = torch.tensor(published, dtype=torch.float64)
        tolerance = 1e-5 * float(lengths.max())
        torch.testing.assert_close(norms[name], lengths, rtol=0, atol=tolerance, msg=partial("{}: {}".format, name))
    largest = float(embedding.abs().max())
    for row in (0, 1):
        first = torch.tensor(expected["embedding"][f"row{row}_first16"])
        torch.testing.assert_close(embedding[row, :16], first, rtol=0, atol=1e-5 * largest)
    lengths = torch.tensor(expected["embedding"]["row_l2"])
    torch.testing.assert_close(embedding.norm(dim=1), lengths, rtol=1e-5, atol=0)


def _taking(norms: dict[str, Tensor], name: str, batch: int) -> Callable[[nn.Module, Any, Tensor], None]:
    def hook(module: nn.Module, args: Any, output: Tensor) -> None:
        del module, args
        # Where attention runs in windows, the published norms are those of the first ones.
        norms[name] = output[:batch].double().flatten(1).norm(dim=1)

    return hook
