"""What is MobileFaceNet's own; what it has in common with others is in plugins/tests."""

import torch
from froq_mobilefacenet.network import MobileFaceNet


def test_a_crop_of_112_columns_is_embedded_by_its_middle_96() -> None:
    network = MobileFaceNet().eval()
    images = torch.rand(2, 3, 112, 112, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(network(images), network(images[..., 8:104]))
