"""The results of an evaluation as tables for LaTeX, with the package booktabs."""

import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from froq_lightning.atomic_write import atomic_write, signature
from froq_lightning.callbacks.results_table import Cell, ErrorCounts, ResultsTable, error_counts, results_tables
from froq_lightning.evaluation.outcome import FEW_ERRORS, Evaluation
from froq_lightning.terminal import printable

BEGINNING = "% Results of froq-lightning; needs \\usepackage{booktabs}\n"
TEX = signature(BEGINNING.encode().replace(b"\\", rb"\\"))
# Brackets and stars would be taken as arguments of the end of the row before.
ESCAPES = {character: f"\\{character}" for character in "&%$#_{}"} | {each: f"{{{each}}}" for each in "[]*"}
ESCAPES |= {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
}
# Between characters that LaTeX would join: dashes, quotation marks, and question marks upside down.
LIGATURES = re.compile("(?<=[-`',?!])(?=[-`',])")
ORACLES = "Below the line: oracles, made from what no quality method knows."
BEST = "Bold: the best of its column, whose interval is apart from all others."
INTERVALS = r"Small: 95\,\% confidence intervals, from a bootstrap by subject."
FEW = rf"$^\dagger$ Fewer than {FEW_ERRORS} errors: differences between methods may be chance."


def write_tex(path: Path, evaluation: Evaluation) -> None:
    """Write a table for every convention and FMR, and one of the errors that they rest on."""
    tables = [_table(table) for table in results_tables(evaluation)]
    errors = [_errors(list(error_counts(evaluation)))] if tables else []
    with atomic_write(path, TEX) as place:
        place.write_text("\n".join([BEGINNING, *tables, *errors]), encoding="utf-8")


def escape_tex(text: str) -> str:
    """Return text that LaTeX prints as it is."""
    return LIGATURES.sub("{}", "".join(ESCAPES.get(character, character) for character in printable(text)))


def _table(table: ResultsTable) -> str:
    convention = table.convention
    oracles = [r"\midrule", *_rows(table, table.oracles)] if table.oracles else []
    cells = [cell for _, cells in table.rows for cell in cells]
    words = escape_tex(convention.describe())
    notes = [
        f"{words[0].upper()}{words[1:]}.",
        *([INTERVALS] if any(table.interval(cell) for cell in cells) else []),
        *([BEST] if any(cell.best for cell in cells) else []),
        *([ORACLES] if oracles else []),
    ]
    header = ["Method", *map(escape_tex, table.columns)]
    direction = "higher" if convention.higher_is_better else "lower"
    caption = rf"{escape_tex(convention.name)} at FMR {table.fmr:g}; {direction} is better."
    return _float(caption, header, [*_rows(table, table.rows), *oracles], notes)


def _rows(table: ResultsTable, rows: Sequence[tuple[str, Sequence[Cell]]]) -> Iterator[str]:
    for name, cells in rows:
        yield _line([escape_tex(name), *(_value(table, cell) for cell in cells)])
        if any(table.interval(cell) for cell in cells):
            yield _line(["", *(_interval(table, cell) for cell in cells)])


def _value(table: ResultsTable, cell: Cell) -> str:
    if not math.isfinite(cell.value):
        return "--"
    text = table.text(cell.value)
    return rf"$\mathbf{{{text}}}$" if cell.best else f"${text}$"


def _interval(table: ResultsTable, cell: Cell) -> str:
    if not math.isfinite(cell.low):
        return ""
    return rf"{{\scriptsize $[{table.text(cell.low)}, {table.text(cell.high)}]$}}"


def _errors(counts: Sequence[ErrorCounts]) -> str:
    header = ["Data set", "FMR", "Conventions", "Threshold", "FNMR"]
    header += ["Mated", "False non-matches", "Non-mated", "False matches"]
    rows = [
        _line(
            [
                escape_tex(each.result.data_set),
                f"{each.result.fmr:g}",
                escape_tex(", ".join(each.conventions)),
                _number(each.result.threshold, ".4f"),
                _number(each.result.fnmr, ".4f"),
                f"{each.result.mated}",
                _count(each.result.false_non_matches),
                f"{each.result.non_mated}",
                _count(each.result.false_matches),
            ]
        )
        for each in counts
    ]
    return _float("Comparison trials and errors that the results rest on.", header, rows, [FEW])


def _number(value: float, form: str) -> str:
    return f"${value:{form}}$" if math.isfinite(value) else "--"


def _count(errors: int) -> str:
    return rf"{errors}$^\dagger$" if errors < FEW_ERRORS else f"{errors}"


def _line(cells: Sequence[str]) -> str:
    return rf"{' & '.join(cells)} \\"


def _float(caption: str, header: Sequence[str], rows: Sequence[str], notes: Sequence[str]) -> str:
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{caption}}}",
        rf"\begin{{tabular}}{{l{'r' * (len(header) - 1)}}}",
        r"\toprule",
        _line(header),
        r"\midrule",
        *rows,
        r"\bottomrule",
        r"\end{tabular}",
        "",
        r"\smallskip",
        rf"{{\footnotesize {' '.join(notes)}\par}}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"
