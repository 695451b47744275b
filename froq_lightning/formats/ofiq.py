"""Scores as OFIQ writes them, so that tools that read OFIQ read ours.

The layout is that of OFIQSampleApp (BSI-OFIQ/OFIQ-Project, OFIQlib/src/OFIQSampleApp.cpp): cells parted by semicolons,
`Filename`, then a column of the native value of every measure, then a column NAME.scalar of each in 0..100, or -1 where
the measure failed. The native value of the unified quality score is our raw score, its scalar our quality. The
components that `--reasons` measures are further measures, of which there are scalars alone. Two things differ. OFIQ
gives a measure that failed the native value 0, which is a good score of ours; that cell is empty. And OFIQ ends its
header with a semicolon or the column `assessment_time_in_ms`; ours ends with the last scalar, by which our files are
known from OFIQ's own, which are never replaced.
"""

from pathlib import Path

from froq_lightning.atomic_write import signature
from froq_lightning.formats.format import Format, Results
from froq_lightning.formats.table import fill_table, read_table_rows

UNIFIED = "UnifiedQualityScore"


def _write(path: Path, results: Results) -> None:
    names = results.components()
    measures = (UNIFIED, *names)
    header = ("Filename", *measures, *(f"{name}.scalar" for name in measures))
    rows = (
        (
            *(row.image, "" if row.quality_score is None else f"{row.quality_score:.9g}", *[""] * len(names)),
            *(row.quality, *(row.components[name] for name in names)),
        )
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
