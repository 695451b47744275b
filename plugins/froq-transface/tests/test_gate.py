"""TransFace's gate; what the networks have in common with others is in plugins/tests."""

import torch
from froq_transface.network import TransFace
from torch import nn


def test_a_gate_at_one_half_halves_every_token() -> None:
    """With no weight in its last layer the gate gives one half; the embedding is then that of halved tokens."""
    torch.manual_seed(0)
    network = TransFace(512, 1).eval()
    nn.init.zeros_(network.senet[2].weight)
    inputs = torch.randn(2, 3, 112, 112)
    with torch.no_grad():
        tokens = network.tokens(inputs)
        embedding, weight, spread = network(inputs)
        torch.testing.assert_close(embedding, network.feature(tokens.flatten(1) / 2))
    torch.testing.assert_close(weight, torch.full((2, 144), 1 / 144))
    torch.testing.assert_close(spread, tokens.std(dim=2) / 2)
