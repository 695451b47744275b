"""Output formats, one a file: how the scores or the embeddings of a run are written (`froq_lightning.formats`)."""

from froq_lightning.formats.format import Format, Results

__all__ = ["Format", "Results"]
