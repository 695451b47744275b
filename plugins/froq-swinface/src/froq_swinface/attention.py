"""Attention within windows of 7 x 7 tokens (Liu et al., ICCV 2021), and how an image is cut into windows."""

import torch
from torch import Tensor, nn

WINDOW = 7
TOKENS = WINDOW * WINDOW
# Windows of every other block are shifted by this many tokens, around the edges of the image.
SHIFT = WINDOW // 2
# Added to the score of tokens that share a window only because it was shifted around an edge.
APART = -100.0


def into_windows(x: Tensor) -> Tensor:
    """Cut `[B, side, side, C]` into the W windows of each image, `[B * W, 49, C]`."""
    across = x.shape[1] // WINDOW
    return x.reshape(-1, across, WINDOW, across, WINDOW, x.shape[3]).transpose(2, 3).reshape(-1, TOKENS, x.shape[3])


def from_windows(x: Tensor, side: int) -> Tensor:
    """Put windows `[B * W, 49, C]` back together, `[B, side, side, C]`."""
    across = side // WINDOW
    return x.reshape(-1, across, across, WINDOW, WINDOW, x.shape[2]).transpose(2, 3).reshape(-1, side, side, x.shape[2])


def shift_mask(side: int) -> Tensor:
    """What shifted windows add to the scores of their tokens, `[W, 49, 49]`: 0 for neighbours, -100 for others."""
    strip = torch.zeros(side, dtype=torch.long)
    strip[-WINDOW:] = 1
    strip[-SHIFT:] = 2
    region = into_windows((3 * strip[:, None] + strip)[None, :, :, None])
    return APART * (region != region.transpose(1, 2))


def relative_position() -> Tensor:
    """Number of the offset between any two tokens of a window, `[49, 49]`, in 0..168."""
    place = torch.arange(TOKENS)
    row, column = place // WINDOW, place % WINDOW
    down, right = row[:, None] - row, column[:, None] - column
    return (down + WINDOW - 1) * (2 * WINDOW - 1) + right + WINDOW - 1


class WindowAttention(nn.Module):
    """Self-attention of the tokens of a window, biased by their relative position."""

    relative_position_index: Tensor

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.relative_position_bias_table = nn.Parameter(0.02 * torch.randn((2 * WINDOW - 1) ** 2, heads))
        self.register_buffer("relative_position_index", relative_position())
        self.qkv = nn.Linear(width, 3 * width)
        self.attn_drop = nn.Dropout(0)
        self.proj = nn.Linear(width, width)
        self.proj_drop = nn.Dropout(0)
        self.softmax = nn.Softmax(dim=-1)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Map the windows of a batch, `[B * W, 49, width]`, to `[B * W, 49, width]`.

        Args:
            x: the windows of one image next to each other.
            mask: `[W, 49, 49]`, added to the scores of every image.
        """
        query, key, value = self.qkv(x).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        scores = query * query.shape[-1] ** -0.5 @ key.transpose(2, 3)
        scores = scores + self.relative_position_bias_table[self.relative_position_index].permute(2, 0, 1)
        if mask is not None:
            scores = (scores.unflatten(0, (-1, len(mask))) + mask[:, None]).flatten(0, 1)
        mixed = self.attn_drop(self.softmax(scores)) @ value
        return self.proj_drop(self.proj(mixed.transpose(1, 2).flatten(2)))
