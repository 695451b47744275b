"""insightface's vision transformer: patches of 9 pixels, no class token, all tokens read by one linear layer."""

import torch
from torch import Tensor, nn

# Names of the modules that fire: all but the list `blocks`.
LAYERS = ("patch_embed*", "pos_drop", "blocks.*", "norm", "feature*")
IMAGE, PATCH = 112, 9
# 12 x 12 patches cover 108 pixels; the last 4 rows and columns of a crop are never seen.
TOKENS = (IMAGE // PATCH) ** 2
HEADS = 8
DIMENSIONS = 512


class PatchEmbed(nn.Module):
    """Turns each patch into a token."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, width, PATCH, stride=PATCH)

    def forward(self, x: Tensor) -> Tensor:
        """Map `[B, 3, 112, 112]` crops to `[B, 144, width]` tokens, row by row."""
        return self.proj(x).flatten(2).transpose(1, 2)


class Attention(nn.Module):
    """Self-attention with 8 heads; queries, keys and values have no bias."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.attn_drop = nn.Dropout(0)
        self.proj = nn.Linear(width, width)
        self.proj_drop = nn.Dropout(0)

    def forward(self, x: Tensor) -> Tensor:
        """Map `[B, N, width]` tokens to `[B, N, width]`."""
        query, key, value = self.qkv(x).unflatten(2, (3, HEADS, -1)).permute(2, 0, 3, 1, 4)
        scores = query * query.shape[-1] ** -0.5 @ key.transpose(2, 3)
        mixed = self.attn_drop(scores.softmax(dim=-1)) @ value
        return self.proj_drop(self.proj(mixed.transpose(1, 2).flatten(2)))


class Mlp(nn.Module):
    """Two linear layers with a ReLU6 between; the same dropout follows each."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.act = nn.ReLU6()
        self.fc2 = nn.Linear(4 * width, width)
        self.drop = nn.Dropout(0)

    def forward(self, x: Tensor) -> Tensor:
        """Map `[B, N, width]` tokens to `[B, N, width]`."""
        return self.drop(self.fc2(self.drop(self.act(self.fc1(x)))))


class Block(nn.Module):
    """Attention, then an MLP, each on normalised tokens and added to its input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attn = Attention(width)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = Mlp(width)
        self.drop_path = nn.Identity()  # stochastic depth acts in training only; its place can be observed

    def forward(self, x: Tensor) -> Tensor:
        """Map `[B, N, width]` tokens to `[B, N, width]`."""
        x = x + self.drop_path(self.attn(self.norm1(x)))
        return x + self.drop_path(self.mlp(self.norm2(x)))


class VisionTransformer(nn.Module):
    """Maps `[B, 3, 112, 112]` crops to `[B, 512]` embeddings, not normalised.

    Args:
        width: values per token, divided among the heads.
        depth: number of blocks.
    """

    def __init__(self, width: int, depth: int) -> None:
        super().__init__()
        self.patch_embed = PatchEmbed(width)
        self.pos_embed = nn.Parameter(0.02 * torch.randn(1, TOKENS, width))
        self.mask_token = nn.Parameter(torch.zeros(1, 1, width))  # in place of patches hidden in training
        self.pos_drop = nn.Dropout(0)
        self.blocks = nn.ModuleList(Block(width) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.feature = nn.Sequential(
            nn.Linear(TOKENS * width, width, bias=False),
            nn.BatchNorm1d(width, eps=2e-5),
            nn.Linear(width, DIMENSIONS, bias=False),
            nn.BatchNorm1d(DIMENSIONS, eps=2e-5),
        )

    def tokens(self, x: Tensor) -> Tensor:
        """Map preprocessed crops to the `[B, 144, width]` tokens after the last block, normalised."""
        return self.encode(self.patch_embed(x))

    def encode(self, x: Tensor) -> Tensor:
        """Map `[B, N, width]` tokens to those after the last block, normalised."""
        x = self.pos_drop(x + self.pos_embed)
        for block in self.blocks:
            x = block(x)
        return self.norm(x)

    def forward(self, x: Tensor) -> Tensor:
        """Embed preprocessed crops."""
        return self.feature(self.tokens(x).flatten(1))
