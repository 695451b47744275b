"""Memory and time of the list of images and of the journal's copy of their names, by the number of images.

    python benchmarks/long_lists.py [--images 100000 1000000] [--source tar parquet manifest folder]

The images are made up, 200 bytes each, and none is decoded. MB are on top of what the process had before; seconds are
those of listing the source for the first and for the second time, and of beginning a journal. Prints a table in
Markdown.
"""

import argparse
import io
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

SHARDS = 20
CONTENT = b"\xff\xd8\xff" + bytes(197)
SOURCES = ("tar", "parquet", "manifest", "folder")


def lay_out(kind: str, folder: Path, count: int) -> Path:
    """Write a source of that many images."""
    folder.mkdir()
    if kind == "manifest":
        (folder / "list.csv").write_text("path\n" + "".join(f"faces/{number:09}.jpg\n" for number in range(count)))
        return folder / "list.csv"
    for shard in range(SHARDS):
        numbers = range(shard * count // SHARDS, (shard + 1) * count // SHARDS)
        if kind == "tar":
            write_tar(folder / f"faces-{shard:03}.tar", numbers)
        elif kind == "parquet":
            write_parquet(folder / f"faces-{shard:03}.parquet", numbers)
        else:
            (folder / f"{shard:03}").mkdir()
            for number in numbers:
                (folder / f"{shard:03}" / f"{number:09}.jpg").touch()
    return folder


def write_tar(path: Path, numbers: range) -> None:
    """Write an entry for every number."""
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for number in numbers:
            header = tarfile.TarInfo(f"{number:09}.jpg")
            header.size = len(CONTENT)
            tar.addfile(header, io.BytesIO(CONTENT))
            tar.members.clear()  # type: ignore[attr-defined]


def write_parquet(path: Path, numbers: range) -> None:
    """Write a row for every number."""
    import pyarrow as pa  # noqa: PLC0415 - an extra
    from pyarrow import parquet  # noqa: PLC0415

    parquet.write_table(pa.table({"image": [CONTENT] * len(numbers)}), path, row_group_size=1000)


def list_images(source: str, folder: str) -> None:
    """List a source twice and begin a journal; print what that took."""
    from froq_lightning.backbones.spec import Preprocessing  # noqa: PLC0415 - its memory is not counted
    from froq_lightning.datamodules.faces import FaceDataModule  # noqa: PLC0415
    from froq_lightning.journal.journal import Journal  # noqa: PLC0415

    before, seconds = _memory("VmRSS"), []
    for _ in range(2):
        start = time.perf_counter()
        data = FaceDataModule(source, Preprocessing((112, 112)), resize=True)
        data.setup("predict")
        seconds.append(time.perf_counter() - start)
    listed = _memory("VmRSS") - before
    journal = Journal(Path(folder, "output.csv"))
    start = time.perf_counter()
    journal.open({"data": data.identity()}, data.names(), restart=True)
    seconds.append(time.perf_counter() - start)
    print(listed, _memory("VmHWM") - before, *seconds)


def _memory(key: str) -> float:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(key))
    return int(line.split()[1]) / 1024


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", nargs="*", type=int, default=[100_000, 1_000_000])
    parser.add_argument("--source", nargs="*", choices=SOURCES, default=SOURCES)
    parser.add_argument("--list", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.list:
        list_images(*options.list)
        return
    header = "source | images | MB of the list | peak MB with the journal | s to list | s again | s for the journal"
    print(f"| {header} |\n|{'---|' * 7}")
    for kind in options.source:
        for count in options.images:
            with tempfile.TemporaryDirectory() as name:
                measure(kind, count, Path(name))


def measure(kind: str, count: int, folder: Path) -> None:
    """Print a row."""
    source = lay_out(kind, folder / "source", count)
    command = [sys.executable, str(Path(__file__).resolve()), "--list", str(source), str(folder)]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=folder).stdout
    cells = [float(cell) for cell in printed.split()]
    megabytes, seconds = (f"{cell:.1f}" for cell in cells[:2]), (f"{cell:.1f}" for cell in cells[2:])
    print(f"| {kind} | {count:,} | {' | '.join(megabytes)} | {' | '.join(seconds)} |", flush=True)


if __name__ == "__main__":
    main()
