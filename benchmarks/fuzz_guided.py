"""Hostile files that a fuzzer finds by the code that they reach: every reader, changed by atheris (libFuzzer).

    pip install atheris
    python benchmarks/fuzz_guided.py [--minutes 30] [--only "Observer" ...]

Starts from the valid files of `fuzz.py`, and changes the one that the reader is about. Findings are those of `fuzz.py`;
the file of one is left in the current folder. Prints a table in Markdown, and fails on findings.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import warnings
from contextlib import suppress
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["froq_lightning", "froq_dlib"]):
    from fuzz_readers import Reader, every_reader
    from fuzz_seeds import write

    from froq_lightning.errors import FroqError

SECONDS, MEGABYTES = 5, 2500  # the second is of the whole process, which begins with about 1,000
RUNS = re.compile(r"^Done (\d+) runs", flags=re.MULTILINE)
COVERED = re.compile(r"cov: (\d+)")


def main() -> None:
    """Fuzz the readers one after another, each in a process of its own."""
    readers = {reader.name: reader for reader in every_reader()}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0, help="in total, over all readers")
    parser.add_argument("--only", nargs="*", choices=[*readers], default=[*readers])
    parser.add_argument("--one", choices=[*readers], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        fuzz(readers[options.one], int(60 * options.minutes))
        return
    failed = False
    print("| reader | files | places in the code reached | findings |\n|---|---|---|---|")
    for name in options.only:
        command = [sys.executable, __file__, "--one", name, "--minutes", str(options.minutes / len(options.only))]
        ended = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        told = ended.stderr + ended.stdout
        runs, covered = RUNS.findall(told) or ["?"], COVERED.findall(told) or ["?"]
        print(f"| {name} | {runs[-1]} | {covered[-1]} | {int(ended.returncode != 0)} |", flush=True)
        if ended.returncode:
            failed = True
            print(told[-3000:], file=sys.stderr, flush=True)
    sys.exit(failed)


def fuzz(reader: Reader, seconds: int) -> None:
    """Fuzz a reader in this process, which ends with it."""
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as corpus, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number, files in enumerate(reader.seeds):
            (Path(corpus) / str(number)).write_bytes([*files.values()][-1])
            write(files, folder)
        changed = [*reader.seeds[0]][-1]

        def read(content: bytes) -> None:
            (folder / changed).write_bytes(content)
            with suppress(FroqError):
                reader.read(folder)

        limits = [f"-max_total_time={seconds}", f"-timeout={SECONDS}", f"-rss_limit_mb={MEGABYTES}", "-max_len=65536"]
        atheris.Setup([sys.argv[0], corpus, *limits], read)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
