"""Where the authors of MagFace publish its weights."""

from froq_lightning.backbones.published import PublishedWeights

MAGFACE_IRESNET100 = PublishedWeights(
    "magface_iresnet100",
    "https://drive.google.com/file/d/1Bd87admxOZvbIOAyTkGEntsEz3fyMt7H/view",
    "https://github.com/IrvingMeng/MagFace/blob/main/README.md",
    by_hand=True,
)
