"""A network runs with channels last on a CPU where it can, and gives the same."""

import time

import pytest
import torch
from torch import Tensor, nn

from froq_lightning.backbones.memory_format import set_memory_format
from froq_lightning.backbones.spec import Backbone, Preprocessing, WeightsInfo
from froq_lightning.errors import ConfigurationError

CPU = torch.device("cpu")


class Viewing(nn.Module):
    """Puts the images' channels into one dimension, which one image with its channels last allows, but not two."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, images: Tensor) -> Tensor:
        features = self.conv(images)
        return features.view(len(images) * 4, -1).mean(dim=1).view(len(images), 4)


class Striding(Viewing):
    """Takes the order of memory for granted, and gives something else in another."""

    def forward(self, images: Tensor) -> Tensor:
        features = self.conv(images)
        return features.as_strided((len(images), 400), (400, 1))


class Demanding(Viewing):
    def forward(self, images: Tensor) -> Tensor:
        features = self.conv(images)
        if not features.is_contiguous():
            message = "wants its own order"
            raise ValueError(message)
        return features.flatten(1)


class Deep(Viewing):
    """Has five-dimensional weights."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv3d(3, 4, (1, 3, 3))

    def forward(self, images: Tensor) -> Tensor:
        return self.conv(images.unsqueeze(2)).flatten(1)


class Single(Viewing):
    """Takes one image at a time."""

    def forward(self, images: Tensor) -> Tensor:
        return self.conv(images).reshape(1, 400)


UNFIT = [
    (Viewing, "view size is not compatible"),
    (Striding, "its embeddings differ"),
    (Demanding, "wants its own order"),
    (Deep, "required rank 4"),
    (Single, "shape .* is invalid"),
]


def backbone(network: nn.Module) -> Backbone:
    return Backbone(network, Preprocessing(size=(12, 12)), WeightsInfo("as built", "0" * 64))


def is_channels_last(network: nn.Module) -> bool:
    weights = [module.weight for module in network.modules() if isinstance(module, nn.Conv2d)]
    return all(weight.is_contiguous(memory_format=torch.channels_last) for weight in weights if weight.shape[1] > 1)


def test_a_real_network_is_laid_out_on_a_cpu_and_gives_the_same(
    mobilefacenet: Backbone, calibration_images: Tensor
) -> None:
    inputs = mobilefacenet.inputs(calibration_images[:4])
    with torch.no_grad():
        plain = mobilefacenet.embed(mobilefacenet.network(inputs))
        try:
            assert set_memory_format(mobilefacenet, CPU)
            assert is_channels_last(mobilefacenet.network)
            torch.testing.assert_close(mobilefacenet.embed(mobilefacenet.network(inputs)), plain, rtol=1e-4, atol=1e-5)
        finally:
            mobilefacenet.network.to(memory_format=torch.contiguous_format)


@pytest.mark.parametrize(
    ("device", "asked", "expected"), [("cuda", None, False), ("cuda", True, True), ("cpu", False, False)]
)
def test_only_a_cpu_gets_what_is_not_asked_for(device: str, asked: bool | None, expected: bool) -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten())
    assert set_memory_format(backbone(network), torch.device(device), asked) is expected
    assert is_channels_last(network) is expected


class Slow(nn.Module):
    """Takes its time in one memory format."""

    def __init__(self, slow: torch.memory_format) -> None:
        super().__init__()
        self.conv, self.slow = nn.Conv2d(3, 4, 3), slow

    def forward(self, images: Tensor) -> Tensor:
        if self.conv.weight.is_contiguous(memory_format=self.slow):
            time.sleep(0.01)
        return self.conv(images).flatten(1)


@pytest.mark.parametrize("slow", [torch.channels_last, torch.contiguous_format])
def test_the_faster_memory_format_is_measured(slow: torch.memory_format) -> None:
    network = Slow(slow)
    expected = slow is torch.contiguous_format
    assert set_memory_format(backbone(network), CPU, "measure") is expected
    assert is_channels_last(network) is expected


@pytest.mark.parametrize("network", [network for network, _ in UNFIT])
def test_a_network_that_cannot_run_so_is_not_measured(network: type[Viewing]) -> None:
    built = network()
    assert not set_memory_format(backbone(built), CPU, "measure")
    assert built.conv.weight.is_contiguous()


@pytest.mark.parametrize(("network", "reason"), UNFIT)
def test_a_network_that_cannot_run_so_stays_as_it_is(network: type[Viewing], reason: str) -> None:
    built = network()
    assert not set_memory_format(backbone(built), CPU)
    assert built.conv.weight.is_contiguous()
    with pytest.raises(ConfigurationError, match=f"does not run with `channels_last`: .*{reason}"):
        set_memory_format(backbone(built), CPU, channels_last=True)
    assert built.conv.weight.is_contiguous()
