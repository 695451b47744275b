"""What is the vision transformers' own; what they have in common with others is in plugins/tests."""

import torch
from froq_insightface.vit import VisionTransformer


def test_the_last_four_rows_and_columns_are_not_seen() -> None:
    network = VisionTransformer(256, 2).eval()
    faces = torch.rand(2, 3, 112, 112, generator=torch.Generator().manual_seed(0))
    cropped = faces.clone()
    cropped[..., 108:, :] = cropped[..., 108:] = 0
    with torch.no_grad():
        assert torch.equal(network(cropped), network(faces))
        cropped[..., 107, :] = 0
        assert not torch.equal(network(cropped), network(faces))
