"""Archives: files that hold many images."""

from collections.abc import Callable
from pathlib import Path

from froq_lightning.data.formats.insightface_bin import BinFile
from froq_lightning.data.formats.memfile import Memfile, find_memfile
from froq_lightning.data.formats.recordio import RecordFile
from froq_lightning.data.record_table import RecordTable
from froq_lightning.errors import DataError


def list_archive(path: Path) -> RecordTable | None:
    """List the images of an archive; None if it is none.

    Raises:
        DataError: if it is malformed, or holds no images.
    """
    memfile = find_memfile(path)
    if memfile is not None:
        return Memfile.open(memfile).records()
    readers: dict[str, Callable[[Path], BinFile | RecordFile]] = {".rec": RecordFile, ".bin": BinFile.open}
    if not path.is_file() or path.suffix.lower() not in readers:
        return None
    records = readers[path.suffix.lower()](path).records()
    if not len(records):
        raise DataError(f"{path.name} holds no images")
    return records
