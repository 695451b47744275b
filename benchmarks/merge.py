"""What `froq merge` takes: seconds and memory for made-up rows of more and more images, in 20 parts.

    python benchmarks/merge.py [--images 10000 100000 1000000] [--dimension 128]

Prints a table in Markdown: the size of all parts, and for scores alone and with embeddings the seconds of the command
and the most memory that its process held (peak resident set).
"""

import argparse
import tempfile
from pathlib import Path

import torch
from peak_memory import measured

from froq_lightning.data.face_batch import FaceBatch
from froq_lightning.journal.journal import Journal
from froq_lightning.journal.part import Part
from froq_lightning.journal.part_file import PartFile
from froq_lightning.runs.quality_batch import QualityBatch, ScoredBatch

PARTS, BATCH, MEGABYTE = 20, 32, 2**20


def write_parts(output: Path, images: int, dimension: int) -> int:
    """Write the parts of a run over that many images; return their size in bytes."""
    data = {"source": "made up", "root": None, "archive": None, "batch_size": BATCH}
    facts = {"model": {"embeddings": True}, "data": data, "parts": PARTS}
    sizes = []
    for number in range(1, PARTS + 1):
        part = Part(number, PARTS)
        journal = Journal(part.file(output))
        identity = {**journal.identity(facts, ()), "images": {"count": images, "sha256": ""}}
        journal.open(identity, (), restart=True)
        share = part.share(images, BATCH)
        for index in torch.arange(share.start, share.stop).split(BATCH):
            names = [f"person_{each // 5:07}/{each:09}.jpg" for each in index.tolist()]
            batch = FaceBatch(torch.empty(len(index), 0), index, names, [""] * len(index))
            scores = QualityBatch(torch.rand(len(index)).double(), index % 101, torch.randn(len(index), dimension))
            journal.append(ScoredBatch.of(batch, scores).block())
        journal.close()
        PartFile(journal.output, part, share, identity, "cpu", ()).write(journal)
        journal.remove()
        sizes.append(journal.output.stat().st_size)
    return sum(sizes)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="What `froq merge` takes.")
    parser.add_argument("--images", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--dimension", type=int, default=128)
    options = parser.parse_args()
    print("| images | parts, MB | scores: s | peak MB | with embeddings: s | peak MB |\n|---|---|---|---|---|---|")
    for images in options.images:
        with tempfile.TemporaryDirectory() as folder:
            output = Path(folder) / "scores.csv"
            size = write_parts(output, images, options.dimension)
            alone = measured("merge", str(output))
            both = measured("merge", str(output), f"--embeddings={Path(folder) / 'embeddings.npy'}")
            cells = [f"{size / MEGABYTE:,.0f}", *(f"{value:,.0f}" for value in (*alone, *both))]
            print(f"| {images:,} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
