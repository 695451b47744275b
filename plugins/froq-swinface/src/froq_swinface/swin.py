"""Swin-T for faces of 112 pixels (Liu et al., ICCV 2021): patches of 2 pixels, four stages, a linear embedding."""

from torch import Tensor, nn

from froq_swinface.attention import SHIFT, WINDOW, WindowAttention, from_windows, into_windows, shift_mask

PATCH = 2
# Values per token, and tokens a side, in the first stage; from stage to stage one doubles and the other halves.
WIDTH, SIDE = 96, 56
# Blocks, heads of each stage.
STAGES = ((2, 3), (2, 6), (6, 12), (2, 24))
DIMENSIONS = 512


class PatchEmbed(nn.Module):
    """Turns each patch into a token."""

    def __init__(self) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, WIDTH, PATCH, stride=PATCH)
        self.norm = nn.LayerNorm(WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        """Map `[B, 3, 112, 112]` crops to `[B, 3136, 96]` tokens, row by row."""
        return self.norm(self.proj(x).flatten(2).transpose(1, 2))


class Mlp(nn.Module):
    """Two linear layers with a GELU between; the same dropout follows each."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.act = nn.GELU()
        self.fc2 = nn.Linear(4 * width, width)
        self.drop = nn.Dropout(0)

    def forward(self, x: Tensor) -> Tensor:
        """Map `[B, N, width]` tokens to `[B, N, width]`."""
        return self.drop(self.fc2(self.drop(self.act(self.fc1(x)))))


class Block(nn.Module):
    """Attention within windows, then an MLP, each on normalised tokens and added to its input.

    Args:
        width: values per token.
        heads: of the attention.
        side: tokens in a row and in a column of the image.
        shift: by how many tokens the windows are shifted.
    """

    attn_mask: Tensor | None

    def __init__(self, width: int, heads: int, side: int, shift: int) -> None:
        super().__init__()
        self.side, self.shift = side, shift
        self.norm1 = nn.LayerNorm(width)
        self.attn = WindowAttention(width, heads)
        self.drop_path = nn.Identity()  # stochastic depth acts in training only; its place can be observed
        self.norm2 = nn.LayerNorm(width)
        self.mlp = Mlp(width)
        self.register_buffer("attn_mask", shift_mask(side) if shift else None)

    def forward(self, x: Tensor) -> Tensor:
        """Map `[B, side * side, width]` tokens to `[B, side * side, width]`."""
        x = x + self.drop_path(self._attended(self.norm1(x)))
        return x + self.drop_path(self.mlp(self.norm2(x)))

    def _attended(self, x: Tensor) -> Tensor:
        image = x.unflatten(1, (self.side, self.side)).roll((-self.shift, -self.shift), (1, 2))
        image = from_windows(self.attn(into_windows(image), self.attn_mask), self.side)
        return image.roll((self.shift, self.shift), (1, 2)).flatten(1, 2)


class PatchMerging(nn.Module):
    """Joins 2 x 2 tokens to one of twice the width."""

    def __init__(self, width: int, side: int) -> None:
        super().__init__()
        self.side = side
        self.reduction = nn.Linear(4 * width, 2 * width, bias=False)
        self.norm = nn.LayerNorm(4 * width)

    def forward(self, x: Tensor) -> Tensor:
        """Map `[B, side * side, width]` tokens to `[B, side * side / 4, 2 * width]`."""
        half = self.side // 2
        # [B, half, 2 rows, half, 2 columns, width]: the two columns vary slower than the two rows.
        quads = x.reshape(x.shape[0], half, 2, half, 2, -1).permute(0, 1, 3, 4, 2, 5)
        return self.reduction(self.norm(quads.reshape(x.shape[0], half * half, -1)))


class Stage(nn.Module):
    """Blocks whose windows are shifted every other time, and the merging that follows them."""

    def __init__(self, width: int, depth: int, heads: int, side: int, *, merging: bool) -> None:
        super().__init__()
        shift = SHIFT if side > WINDOW else 0  # a single window has no neighbours
        self.blocks = nn.ModuleList(Block(width, heads, side, shift if index % 2 else 0) for index in range(depth))
        self.downsample = PatchMerging(width, side) if merging else None

    def forward(self, x: Tensor) -> Tensor:
        """Map `[B, side * side, width]` tokens to as many, or with merging to `[B, side * side / 4, 2 * width]`."""
        for block in self.blocks:
            x = block(x)
        return x if self.downsample is None else self.downsample(x)


class Swin(nn.Module):
    """Maps `[B, 3, 112, 112]` crops to `[B, 512]` embeddings, not normalised, and to the tokens of each stage."""

    def __init__(self) -> None:
        super().__init__()
        self.patch_embed = PatchEmbed()
        self.pos_drop = nn.Dropout(0)
        last = len(STAGES) - 1
        self.layers = nn.ModuleList(
            Stage(WIDTH << index, depth, heads, SIDE >> index, merging=index < last)
            for index, (depth, heads) in enumerate(STAGES)
        )
        width = WIDTH << last
        self.norm = nn.LayerNorm(width)
        self.avgpool = nn.AdaptiveAvgPool1d(1)
        self.head = nn.Linear(width, DIMENSIONS)  # unused, but published
        self.feature = nn.Sequential(
            nn.Linear(width, width, bias=False),
            nn.BatchNorm1d(width, eps=2e-5),
            nn.Linear(width, DIMENSIONS, bias=False),
            nn.BatchNorm1d(DIMENSIONS, eps=2e-5),
        )

    def forward(self, x: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Embed preprocessed crops.

        Returns:
            The embedding; the tokens after each stage: `[B, 784, 192]`, `[B, 196, 384]`, `[B, 49, 768]` twice.
        """
        x = self.pos_drop(self.patch_embed(x))
        stages = []
        for stage in self.layers:
            x = stage(x)
            stages.append(x)
        pooled = self.avgpool(self.norm(x).transpose(1, 2)).flatten(1)
        return self.feature(pooled), tuple(stages)
