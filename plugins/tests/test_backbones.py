"""Backbones of all plugins: the conformance suite, the published input, real weights."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms.functional import pil_to_tensor

from froq_lightning.backbones.registry import create_backbone
from froq_lightning.backbones.spec import Backbone
from froq_lightning.conformance import check_backbone, check_channel_order_on_faces, check_published_input

SMALL = (
    *("adaface_ir18", "arcface_iresnet18", "cvlface_ir18", "edgeface_xxs", "edgeface_xs"),
    *("edgeface_s", "ediffiqa_s", "facenet", "insightface_mbf", "insightface_vit_t", "magface_iresnet18"),
    "mobilefacenet",
)
LARGE = (
    *("adaface_ir34", "adaface_ir_se50", "arcface_iresnet34", "arcface_iresnet50", "arcface_iresnet100"),
    *(
        "arcface_iresnet200",
        "crfiqa_iresnet50",
        "crfiqa_iresnet100",
        "swinface",
        "transface_vit_s",
        "curricularface_ir50",
        "curricularface_ir101",
        "edgeface_base",
        "ediffiqa_m",
        "ediffiqa_l",
        "vitfiqa_t",
        "vitfiqa_c",
    ),
    *("insightface_mbf_large", "insightface_vit_s", "insightface_vit_b"),
    *("magface_iresnet50", "magface_iresnet100", "transface_vit_b"),
)
# Files of real weights, and the share of mated pairs that they accept at a false match rate of 1e-3.
REAL = {"edgeface_xxs": ("edgeface_xxs.safetensors", 0.99), "mobilefacenet": ("mobilefacenet_casia.ckpt", 0.94)}


@pytest.fixture(scope="module")
def backbone(request: pytest.FixtureRequest) -> Backbone:
    """A backbone with random weights."""
    torch.manual_seed(0)
    return create_backbone(request.param)


@pytest.fixture(scope="module", params=REAL)
def real(request: pytest.FixtureRequest, shared: Path) -> tuple[Backbone, float]:
    """A backbone with real weights, and the share that they accept."""
    file, share = REAL[request.param]
    return create_backbone(request.param, weights=str(shared / "data" / "weights" / file)), share


@pytest.mark.parametrize(
    "backbone", [*SMALL, *(pytest.param(name, marks=pytest.mark.slow) for name in LARGE)], indirect=True
)
def test_every_candidate_layer_can_be_observed(backbone: Backbone) -> None:
    check_backbone(backbone, allow_silent=False)


@pytest.mark.parametrize("backbone", ["arcface_iresnet18", "insightface_mbf", "insightface_vit_t"], indirect=True)
def test_its_precision_is_the_surrounding_one(backbone: Backbone) -> None:
    """Unlike the authors' code, which runs attention and MLPs in half precision on CUDA in any case."""
    inputs = backbone.inputs(torch.rand(1, 3, 112, 112, generator=torch.Generator().manual_seed(0)))
    with torch.no_grad():
        full = backbone.network(inputs)
        with torch.autocast("cpu", torch.bfloat16):
            half = backbone.network(inputs)
    assert full.dtype == torch.float32
    assert not torch.equal(half, full)
    assert float(torch.cosine_similarity(half.float(), full)) > 0.99


def as_bgr(opencv: Tensor) -> Tensor:
    """To -1..1 in OpenCV's order."""
    return (opencv.permute(0, 3, 1, 2) / 255 - 0.5) / 0.5


def as_rgb(opencv: Tensor) -> Tensor:
    return as_bgr(opencv.flip(3))


def unscaled_bgr(opencv: Tensor) -> Tensor:
    """To 0..1 in OpenCV's order."""
    return opencv.permute(0, 3, 1, 2) / 255


def over_128(opencv: Tensor) -> Tensor:
    return (opencv.flip(3).permute(0, 3, 1, 2) - 127.5) / 128


@pytest.mark.parametrize(
    ("backbone", "published"),
    [
        # AdaFace's `to_input` takes ((BGR / 255) - 0.5) / 0.5; CurricularFace and CVLface read RGB with Pillow.
        ("adaface_ir18", as_bgr),
        ("curricularface_ir101", as_rgb),
        ("cvlface_ir18", as_rgb),
        # arcface_torch/inference.py: cv2.imread, then to RGB, x / 255, - 0.5, / 0.5. TransFace builds on it.
        ("arcface_iresnet18", as_rgb),
        ("insightface_mbf", as_rgb),
        ("insightface_vit_t", as_rgb),
        ("transface_vit_s", as_rgb),
        # CR-FIQA, eval/verification.py: mxnet's imdecode, which gives RGB, then (x / 255 - 0.5) / 0.5. Its evaluation
        # reads with cv2.imread and swaps nothing, but from files that feature_extraction/extract_bin.py and
        # extract_xqlfw.py wrote with their channels swapped ("in BGR format", says its README): RGB again.
        ("crfiqa_iresnet50", as_rgb),
        ("edgeface_xxs", as_rgb),
        # eDifFIQA's dataset.py opens images with Pillow; its configurations have ToTensor, then mean and std 0.5.
        ("ediffiqa_s", as_rgb),
        # facenet-pytorch standardises Pillow's RGB pixels; so does the `dataloader.py` of MobileFaceNet's authors.
        ("facenet", over_128),
        ("mobilefacenet", over_128),
        # MagFace, inference/gen_feat.py (and dataloader.py in training): cv2.imread, then ToTensor; mean 0, std 1.
        ("magface_iresnet18", unscaled_bgr),
        # ViT-FIQA trains on images that mxnet or Pillow decoded, then mean and std 0.5.
        ("vitfiqa_t", as_rgb),
        # SwinFace's inference.py turns OpenCV's BGR into RGB.
        ("swinface", as_rgb),
    ],
    indirect=["backbone"],
)
def test_colours_enter_in_the_published_order(backbone: Backbone, published: Callable[[Tensor], Tensor]) -> None:
    check_published_input(backbone, published)


def faces(paths: list[Path]) -> Tensor:
    return torch.stack([pil_to_tensor(Image.open(path)) for path in paths])


def test_with_real_weights_the_declared_order_of_channels_tells_people_apart_best(
    real: tuple[Backbone, float], shared: Path
) -> None:
    folders = [folder for folder in sorted((shared / "data" / "faces").iterdir()) if len(list(folder.iterdir())) > 1]
    paths = [path for folder in folders[:10] for path in sorted(folder.iterdir())[:2]]
    check_channel_order_on_faces(real[0], faces(paths), [path.parent.name for path in paths])


@pytest.mark.slow
def test_with_real_weights_it_accepts_mated_pairs(real: tuple[Backbone, float], shared: Path) -> None:
    backbone, share = real
    with (shared / "data" / "pairs.csv").open(newline="") as file:
        trials = list(csv.DictReader(file))
    paths = sorted({trial[side] for trial in trials for side in ("image_a", "image_b")})
    parts = []
    for start in range(0, len(paths), 8):  # of larger batches the caches hold too little
        batch = faces([shared / "data" / "faces" / path for path in paths[start : start + 8]])
        parts.append(backbone.embed(backbone.run(backbone.inputs(batch))))
    embeddings = dict(zip(paths, torch.nn.functional.normalize(torch.cat(parts)), strict=True))
    first, second = (torch.stack([embeddings[trial[side]] for trial in trials]) for side in ("image_a", "image_b"))
    scores = (first * second).sum(dim=1)
    mated = torch.tensor([trial["mated"].lower() in ("1", "true") for trial in trials])
    impostors = scores[~mated].sort(descending=True).values
    assert float((scores[mated] > impostors[int(1e-3 * len(impostors))]).float().mean()) >= share


@pytest.mark.parametrize(
    ("name", "licence"),
    [
        ("arcface_iresnet18", "non-commercial research"),
        ("insightface_mbf", "non-commercial research"),
        ("magface_iresnet18", "Apache-2.0"),
        ("crfiqa_iresnet50", "CC BY-NC 4.0"),
    ],
)
def test_weights_have_the_licence_of_their_authors(name: str, licence: str) -> None:
    with torch.device("meta"):
        assert create_backbone(name).weights.licence == licence
