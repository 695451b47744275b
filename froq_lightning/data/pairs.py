"""Comparison sets from whatever format they come in."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from froq_lightning.bounded_io import name_in_errors
from froq_lightning.data.comparison_set import ComparisonSet
from froq_lightning.data.formats.cfp import PARTS, is_cfp, read_cfp
from froq_lightning.data.formats.ijb import find_meta, read_ijb
from froq_lightning.data.formats.ijb import usual_name as ijb_name
from froq_lightning.data.formats.image_pairs import read_bin_pairs, read_memfile_pairs
from froq_lightning.data.formats.lfw_pairs import is_lfw_list, read_lfw_pairs
from froq_lightning.data.formats.memfile import find_memfile
from froq_lightning.data.formats.pairs_csv import (
    COLUMNS,
    has_pair_columns,
    is_pair_list,
    is_two_line_list,
    read_pairs_csv,
)
from froq_lightning.data.formats.record_subjects import read_record_subjects
from froq_lightning.data.formats.subject_folders import read_subject_folders, read_subject_manifest
from froq_lightning.data.listing import SUBJECT, is_manifest
from froq_lightning.data.sampling import Sampling
from froq_lightning.data.tables import SUFFIXES as TABLES
from froq_lightning.data.tables import Table, read_table
from froq_lightning.errors import ConfigurationError, DataError, DataNotFoundError
from froq_lightning.names import escape_cell

FOLDER = "folder of images"
MANIFEST = "manifest (path, perhaps pseudo_quality), text or Parquet"


@dataclass(frozen=True)
class Request:
    """What is asked for.

    Args:
        path: of the source.
        root: folder of the images, if it is not the usual one.
        name: of the set in tables.
        part: of a source that holds several sets; empty for the usual one.
        sampling: of trials where only subjects are known.
    """

    path: Path
    root: Path | None
    name: str
    part: str
    sampling: Sampling


@dataclass(frozen=True)
class Format:
    """A format of comparison sets.

    Args:
        name: for people.
        fits: whether a path is of this format.
        read: the comparison set.
        parts: names of the sets that it holds; empty if it is one.
        usual_name: of a set, given its path and part.
        as_images: what it is to those who need its images alone; empty if they are of no use without the trials.
    """

    name: str
    fits: Callable[[Path], bool]
    read: Callable[[Request], ComparisonSet]
    parts: tuple[str, ...] = ()
    usual_name: Callable[[Path, str], str] = lambda path, _: path.stem
    as_images: str = ""


def _is_table(path: Path, *kinds: Callable[[Table], bool]) -> bool:
    """Tell whether a path is a table of one of some kinds."""
    if path.suffix.lower() not in TABLES or not path.is_file():
        return False
    table = read_table(path)
    return any(fits(table) for fits in kinds)


def _names_subjects(table: Table) -> bool:
    return table.column(SUBJECT) is not None


def _is_lfw(path: Path) -> bool:
    """Tell LFW's lists by their first line, and take other lists in .txt for one unless they name images alone."""
    return _is_table(path, is_lfw_list) or (path.suffix.lower() == ".txt" and not _is_table(path, is_manifest))


def _memfile(path: Path) -> Path:
    return find_memfile(path) or path


FORMATS = (
    Format(
        f"pairs CSV ({', '.join(COLUMNS)})",
        lambda path: _is_table(path, has_pair_columns),
        lambda asked: read_pairs_csv(asked.path, asked.root, asked.name),
    ),
    Format(
        "list of pairs (a.jpg b.jpg 1)",
        lambda path: _is_table(path, is_pair_list),
        lambda asked: read_pairs_csv(asked.path, asked.root, asked.name),
    ),
    Format(
        "list of pairs in two lines (CPLFW)",
        lambda path: _is_table(path, is_two_line_list),
        lambda asked: read_pairs_csv(asked.path, asked.root, asked.name),
    ),
    Format(
        "manifest with a column subject_id",
        lambda path: _is_table(path, _names_subjects),
        lambda asked: read_subject_manifest(asked.path, asked.root, asked.name, asked.sampling),
        as_images=MANIFEST,
    ),
    Format(
        "LFW or XQLFW pairs.txt",
        _is_lfw,
        lambda asked: read_lfw_pairs(asked.path, asked.root, asked.name),
    ),
    Format(
        "insightface .bin",
        lambda path: path.suffix.lower() == ".bin",
        lambda asked: read_bin_pairs(asked.path, asked.name),
        as_images="insightface .bin",
    ),
    Format(
        "RecordIO .rec",
        lambda path: path.suffix.lower() == ".rec",
        lambda asked: read_record_subjects(asked.path, asked.name, asked.sampling),
        as_images="RecordIO .rec",
    ),
    Format(
        "AdaFace memfile folder",
        lambda path: find_memfile(path) is not None,
        lambda asked: read_memfile_pairs(_memfile(asked.path), asked.name),
        usual_name=lambda path, _: _memfile(path).parent.parent.name,
        as_images="AdaFace memfile",
    ),
    Format(
        "CFP folder",
        is_cfp,
        lambda asked: read_cfp(asked.path, asked.root, asked.name, asked.part),
        PARTS,
        lambda path, part: f"{path.name}-{part}",
    ),
    Format(
        "IJB-B or IJB-C folder",
        lambda path: find_meta(path) is not None,
        lambda asked: read_ijb(asked.path, asked.root, asked.name),
        usual_name=lambda path, _: ijb_name(path),
    ),
    Format(
        "folder with one sub-folder per subject",
        Path.is_dir,
        lambda asked: read_subject_folders(asked.path, asked.name, asked.sampling),
        usual_name=lambda path, _: path.name,
        as_images=FOLDER,
    ),
)


def find_format(path: Path) -> Format | None:
    """Tell the format of a source of comparison trials; None if it is of none.

    Raises:
        DataNotFoundError: if it does not exist.
    """
    if not path.exists():
        raise DataNotFoundError(f"data source {str(path)!r} does not exist")
    return next((known for known in FORMATS if known.fits(path)), None)


def read_comparisons(
    source: str,
    root: str | None = None,
    name: str | None = None,
    part: str | None = None,
    non_mated: int | None = None,
    seed: int = 0,
) -> ComparisonSet:
    """Read images and the comparison trials between them.

    Args:
        source: file or folder; its format is told from its name and content.
        root: folder of the images that a list of trials names, if it is not the usual one.
        name: of the set in tables; by default it is taken from the source.
        part: which set of a source that holds several: FF or FP of CFP.
        non_mated: number of non-mated trials where only subjects are known and trials are sampled; by default as many
            as there are mated ones, but at least 10,000.
        seed: of the sampling.

    Raises:
        DataNotFoundError: if the source does not exist.
        DataError: if it is of no known format, or malformed.
        ConfigurationError: if it has no such part.
    """
    path = Path(source)
    known = find_format(path)
    if known is None:
        listed = "; ".join(known.name for known in FORMATS)
        raise DataError(f"{path.name} is no source of comparison trials that is known; there are: {listed}")
    if part is not None and part not in known.parts:
        has = f"has the parts {', '.join(known.parts)}" if known.parts else "has no parts"
        raise ConfigurationError(f"Expected no `part` {part!r}: {path.name}, a {known.name}, {has}")
    part = part or (known.parts[0] if known.parts else "")
    folder = None if root is None else Path(root)
    if folder is not None and not folder.is_dir():
        raise DataNotFoundError(f"root {root!r} of the images does not exist")
    told = escape_cell(name or known.usual_name(path.absolute(), part))
    with name_in_errors(path.name):
        return known.read(Request(path, folder, told, part, Sampling(non_mated, seed)))
