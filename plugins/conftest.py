"""What the plugins' tests share: reference files, comparison with published fingerprints, checkpoints, verification."""

import csv
import json
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torchvision.transforms.functional import pil_to_tensor

from froq_lightning.backbones.spec import Backbone
from froq_lightning.errors import WeightsError

PRELU, NORMALISATION = (nn.PReLU,), (_NormBase, nn.LayerNorm, nn.GroupNorm)
# What recipe 2 draws around one, because recipe 1 leaves it next to unseen.
SCALES = (".gamma", ".gamma_xca", ".temperature")

MatchesFingerprint = Callable[..., None]
Factory = Callable[..., Backbone]


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
def refuses(tmp_path: Path) -> Callable[..., None]:
    """`refuses(factory, checkpoint, message)`: the factory raises a WeightsError that says so."""

    def check(factory: Factory, checkpoint: Any, message: str) -> None:
        torch.save(checkpoint, tmp_path / "weights.pth")
        with pytest.raises(WeightsError, match=message):
            factory(weights=str(tmp_path / "weights.pth"))

    return check


@pytest.fixture
def load(tmp_path: Path) -> Callable[[Factory, Any], Backbone]:
    """`load(factory, checkpoint)`: builds a backbone with a checkpoint from a file `weights.pth`."""

    def build(factory: Factory, checkpoint: Any) -> Backbone:
        torch.save(checkpoint, tmp_path / "weights.pth")
        return factory(weights=str(tmp_path / "weights.pth"))

    return build


@pytest.fixture(scope="session")
def hollow() -> Callable[[Callable[[], Backbone | nn.Module]], dict[str, Tensor]]:
    """`hollow(build)`: a state dict of the right names and shapes whose file takes no room, as it repeats one zero."""

    def state_of(build: Callable[[], Backbone | nn.Module]) -> dict[str, Tensor]:
        with torch.device("meta"):
            built = build()
        state = (built.network if isinstance(built, Backbone) else built).state_dict()
        return {key: torch.zeros((), dtype=value.dtype).expand(value.shape) for key, value in state.items()}

    return state_of


@pytest.fixture(scope="session")
def pairs(shared: Path) -> tuple[Tensor, list[str]]:
    """Two faces of each of ten subjects, `[20, 3, 112, 112]` uint8 RGB, and who is on each."""
    folders = [folder for folder in sorted((shared / "data" / "faces").iterdir()) if len(list(folder.iterdir())) > 1]
    paths = [path for folder in folders[:10] for path in sorted(folder.iterdir())[:2]]
    return torch.stack([pil_to_tensor(Image.open(path)) for path in paths]), [path.parent.name for path in paths]


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
            faces = (Image.open(shared / "data" / "faces" / path) for path in paths[start : start + 8])
            batch = torch.stack([pil_to_tensor(face) for face in faces])
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
