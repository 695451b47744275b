"""A run over very many faces in parts, some of which are killed and started again, against one undisturbed run.

    python benchmarks/killed_parts.py [--images 1000000] [--parts 20] [--kill 3] [--at-once 2] [--folder DIR]

The faces are made up, in tar files, and the network is a small one; see `growth.py`. Every part is a `froq predict
--part` of its own. The first ones get SIGKILL in the middle, with the process that reads for them, and are started
again. Prints a table in Markdown: seconds and the peak resident memory of the largest process, of a part that of the
largest part; then whether `froq merge` wrote the bytes of the undisturbed run.
"""

import argparse
import filecmp
import os
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from growth import BATCH, Growth
from peak_memory import measured

from froq_lightning.journal.part import Part

BYTES_OF_A_ROW = 40  # at least, in a journal


def run_part(command: list[str], part: Part, output: Path, images: int, *, kill: bool) -> float:
    """Run a part, after a first run that is killed if it is to be; return its peak of memory in MB."""
    command = [*command, f"--part={part}"]
    if kill:
        middle = len(part.share(images, BATCH)) * BYTES_OF_A_ROW // 2
        begun = subprocess.Popen(
            [sys.executable, "-m", "froq_lightning", *command], stdout=subprocess.DEVNULL, start_new_session=True
        )
        journal = part.file(output).with_name(f"{part.file(output).name}.partial")
        while sum(file.stat().st_size for file in journal.glob("*")) < middle:
            assert begun.poll() is None, "a part was done before it was killed"
            time.sleep(0.1)
        os.killpg(begun.pid, signal.SIGKILL)
        begun.wait()
        assert not part.file(output).exists()
    return measured(*command)[1]


def row(what: str, seconds: float, megabytes: float) -> None:
    """Print a row."""
    print(f"| {what} | {seconds:,.0f} | {megabytes:,.0f} |", flush=True)


def main() -> None:
    """Run, kill, merge and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=1_000_000)
    parser.add_argument("--parts", type=int, default=20)
    parser.add_argument("--kill", type=int, default=3)
    parser.add_argument("--at-once", type=int, default=2)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        growth = Growth(folder, options.images)
        whole, output = folder / "whole.csv", folder / "scores.csv"
        print("| run | s | peak MB |\n|---|---|---|", flush=True)
        row("undisturbed", *measured(*growth.command("predict", growth.faces, whole, folder)))
        command = growth.command("predict", growth.faces, output, folder)
        parts = [Part(number, options.parts) for number in range(1, options.parts + 1)]
        started = time.perf_counter()
        with ThreadPoolExecutor(options.at_once) as pool:
            runs = [
                pool.submit(run_part, command, part, output, options.images, kill=part.number <= options.kill)
                for part in parts
            ]
            peak = max(run.result() for run in runs)
        row(
            f"{options.parts} parts, {options.kill} killed, {options.at_once} at once",
            time.perf_counter() - started,
            peak,
        )
        row("merge", *measured("merge", str(output)))
        same = filecmp.cmp(whole, output, shallow=False)
        print(f"\n{output.stat().st_size:,} bytes: {'the same' if same else 'ANOTHER CONTENT'}")
    sys.exit(not same)


if __name__ == "__main__":
    main()
