"""The best and the worst faces of a run side by side, as the network saw them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo
from torch import Tensor

from froq_lightning.atomic_write import Signature, atomic_write, signature
from froq_lightning.callbacks.output_writer import OutputWriter
from froq_lightning.callbacks.quality_writer import predicted
from froq_lightning.callbacks.ranked_run import rank_rows
from froq_lightning.data.face_batch import FaceSample
from froq_lightning.errors import ConfigurationError
from froq_lightning.stored_files import address_of
from froq_lightning.terminal import wrote

SUFFIXES = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}
CAPTION = 34
GAP = 8
SOFTWARE = "froq-lightning contact sheet"
SHEET = signature(rb"(\x89PNG|\xff\xd8\xff).{0,80}" + SOFTWARE.encode("ascii"))

Face = tuple[Tensor, str]


class ContactSheet(OutputWriter):
    """Draws the ranked faces of `predict` into one picture, the best first; behind a QualityWriter.

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
        self.ends = ends

    def outputs(self) -> Sequence[tuple[Path, Signature]]:
        """List the picture."""
        return [(self.path, SHEET)]

    def on_predict_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Read the faces again, and write the picture."""
        del pl_module
        if not trainer.is_global_zero:
            return
        rows = rank_rows(predicted(trainer, type(self).__name__), self.ends).ranking.best_first()
        loader: Any = trainer.predict_dataloaders
        dataset: Sequence[FaceSample] = loader.dataset
        faces: list[Face] = []
        for row in rows:
            image = dataset[row.sample_index].image
            if image is not None:
                faces.append((image, f"{row.quality}\n{Path(row.image).stem}"))
        if faces:
            software = PngInfo()
            software.add_text("Software", SOFTWARE)
            with atomic_write(self.path, SHEET) as place:
                kind = SUFFIXES[self.path.suffix.lower()]
                draw_sheet(faces, self.columns).save(place, format=kind, pnginfo=software, comment=SOFTWARE)
            wrote("picture", address_of(self.path))


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
