"""The best and the worst faces of a run side by side, as the network saw them."""

from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from froq_lightning.callbacks.ranking import Ranking
from froq_lightning.data.records import FaceBatch
from froq_lightning.errors import ConfigurationError
from froq_lightning.module import QualityBatch

SUFFIXES = (".png", ".jpg", ".jpeg")
CAPTION = 34
GAP = 8

Face = tuple[Tensor, str]


class ContactSheet(Callback):
    """Draws the ranked faces of `predict` into one picture, the best first.

    Args:
        path: of the picture, PNG or JPEG.
        ends: number of faces shown at either end.
        columns: faces in a row.
    """

    def __init__(self, path: str, ends: int = 12, columns: int = 8) -> None:
        self.path = Path(path)
        if self.path.suffix.lower() not in SUFFIXES:
            raise ConfigurationError(f"Expected `path` to end in {', '.join(SUFFIXES)}, but got {path!r}")
        self.columns = columns
        self.ranking: Ranking[Face] = Ranking(ends)

    def on_predict_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: FaceBatch,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Offer the faces of a batch."""
        del trainer, pl_module, batch_idx, dataloader_idx
        scores: QualityBatch = outputs
        for row, (index, key) in enumerate(zip(batch.sample_index.tolist(), batch.keys, strict=True)):
            caption = f"{int(scores.quality[row])}\n{Path(key).stem}"
            self.ranking.add(float(scores.quality_score[row]), index, (batch.images[row].cpu().clone(), caption))

    def on_predict_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the picture; with several processes, of the faces that the first one scored."""
        del pl_module
        faces = self.ranking.best_first()
        if trainer.is_global_zero and faces:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            draw_sheet(faces, self.columns).save(self.path)
            print(f"picture: {self.path}")


def draw_sheet(faces: list[Face], columns: int) -> Image.Image:
    """Lay out `[3, H, W]` uint8 faces with their captions below, row by row."""
    height, width = faces[0][0].shape[-2:]
    columns = min(columns, len(faces))
    rows = -(-len(faces) // columns)
    size = (columns * (width + GAP) + GAP, rows * (height + CAPTION + GAP) + GAP)
    sheet = Image.new("RGB", size, "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for number, (face, caption) in enumerate(faces):
        left = GAP + number % columns * (width + GAP)
        top = GAP + number // columns * (height + CAPTION + GAP)
        sheet.paste(Image.fromarray(face.permute(1, 2, 0).to(torch.uint8).numpy()), (left, top))
        pen.text((left, top + height + 1), caption, fill="black", font=font, spacing=1)
    return sheet
