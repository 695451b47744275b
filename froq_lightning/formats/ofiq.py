"""Scores as OFIQ writes them, so that tools that read OFIQ read ours.

The layout is that of OFIQSampleApp (BSI-OFIQ/OFIQ-Project, OFIQlib/src/OFIQSampleApp.cpp): cells parted by semicolons,
`Filename`, then a column of the native value of every measure, then a column NAME.scalar of each in 0..100, or -1 where
the measure failed. Of its measures there is one here, the unified quality score: the native value is our raw score, the
scalar our quality. Two things differ. OFIQ gives a measure that failed the native value 0, which is a good score of
ours; that cell is empty. And OFIQ ends its header with a semicolon or the column `assessment_time_in_ms`; ours ends
with the last scalar, by which our files are known from OFIQ's own, which are never replaced.
"""

from pathlib import Path

from froq_lightning.atomic_write import signature
from froq_lightning.formats.format import Format, Results
from froq_lightning.formats.table import fill_table, read_table_rows

# Measured components of ISO/IEC 29794-5 are further measures: their names go here, their values into `_write`.
MEASURES = ("UnifiedQualityScore",)


def _write(path: Path, results: Results) -> None:
    header = ("Filename", *MEASURES, *(f"{name}.scalar" for name in MEASURES))
    rows = (
        (row.image, "" if row.quality_score is None else f"{row.quality_score:.9g}", row.quality)
        for row in results.rows()
    )
    fill_table(path, header, rows, ";")


OFIQ = Format(
    suffixes=(".csv",),
    holds="scores",
    is_own=signature(rb"Filename;UnifiedQualityScore;[^\n]*\.scalar\n"),
    write=_write,
    read=read_table_rows,
    is_default=False,
)
