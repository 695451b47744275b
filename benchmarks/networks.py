"""The networks that are measured, and faces for them."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from froq_lightning.backbones.memory_format import set_memory_format
from froq_lightning.data.face_batch import FaceBatch
from froq_lightning.data.images import read_image
from froq_lightning.module import FroqModule


@dataclass(frozen=True)
class Network:
    """A backbone, its options, and the number of images that are enough to time it."""

    name: str
    backbone: str
    images: int
    options: dict[str, Any] = field(default_factory=dict)

    def module(self, device: str = "cpu", **options: Any) -> FroqModule:
        """Build the module on a device, its network as its authors run it; random weights are the same every time."""
        torch.manual_seed(0)
        return FroqModule(self.backbone, self.options, **options).to(device)

    def laid_out(self, device: str = "cpu") -> FroqModule:
        """Build the module on a device, its network in the order of memory that runs take by default."""
        module = self.module(device)
        set_memory_format(module.backbone, torch.device(device))
        return module

    def arguments(self) -> list[str]:
        """Options of the command line that choose the network."""
        return [f"--model.backbone={self.backbone}", f"--model.backbone_options={self.options}"]


def networks(shared: Path) -> dict[str, Network]:
    """Networks by name; those of iresnet, SwinFace and ViT have random weights."""
    weights = shared / "data" / "weights"
    edgeface = {"architecture": "edgenext_xx_small", "weights": str(weights / "edgeface_xxs.safetensors")}
    every = (
        Network("edgeface_xxs", "timm", 256, edgeface),
        Network("mobilefacenet", "mobilefacenet", 128, {"weights": str(weights / "mobilefacenet_casia.ckpt")}),
        Network("dlib_resnet29", "dlib_resnet29", 128),
        Network("iresnet50", "arcface_iresnet50", 16),
        Network("iresnet100", "arcface_iresnet100", 16),
        Network("swinface", "swinface", 16),
        Network("vit_tiny", "insightface_vit_t", 64),
        Network("vit_small", "insightface_vit_s", 16),
        Network(
            "timm_vit_tiny", "timm", 64, {"architecture": "vit_tiny_patch16_224", "img_size": 112, "patch_size": 8}
        ),
    )
    return {network.name: network for network in every}


def faces(shared: Path) -> list[Path]:
    """Files of aligned crops."""
    return sorted((shared / "data" / "faces").resolve().glob("*/*.jpg"))


def decoded(files: list[Path], size: tuple[int, int]) -> Tensor:
    """Read files as `[N, 3, H, W]` uint8, resized where needed as `data.resize` does."""
    images = []
    for file in files:
        pixels = read_image(file)[0]
        if pixels.shape[:2] != size:
            pixels = np.array(Image.fromarray(pixels).resize(size[::-1], Image.Resampling.BICUBIC))
        images.append(torch.from_numpy(np.array(pixels)).permute(2, 0, 1).contiguous())
    return torch.stack(images)


def some(shared: Path, module: FroqModule, count: int) -> Tensor:
    """`[count, 3, H, W]` uint8 faces of the size that the network wants, on its device."""
    return decoded(faces(shared)[:count], module.backbone.preprocessing.size).to(module.device)


class Batches:
    """Decoded images in memory with random labels, batch by batch; they are repeated until there are `count`."""

    def __init__(self, images: Tensor, batch_size: int, count: int | None = None) -> None:
        self.images = images
        self.batch_size = batch_size
        self.dataset = range(len(images) if count is None else count)
        self.labels = torch.rand(len(self.dataset), generator=torch.Generator().manual_seed(0))

    def __len__(self) -> int:
        return math.ceil(len(self.dataset) / self.batch_size)

    def __iter__(self) -> Iterator[FaceBatch]:
        for index in torch.arange(len(self.dataset)).split(self.batch_size):
            images = self.images[index % len(self.images)]
            yield FaceBatch(images, index, [str(i) for i in index.tolist()], [""] * len(index), self.labels[index])
