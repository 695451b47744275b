"""What comes of hostile files: every reader, given valid files with a few bytes changed, tens of thousands of times.

    python benchmarks/fuzz.py [--minutes 30] [--only "RecordIO" ...] [--first 0] [--show 17]

A file may be read or refused with an error of this project. Anything else is a finding: another exception, a crash,
more than 5 seconds of CPU or a gigabyte, or a message that would fill the screen. File N of a reader is always the
same; `--only READER --show N` writes it below the current folder. Prints a table in Markdown, and fails on findings.
"""

import argparse
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from fuzz_child import Child, Limits, Outcome, write_case
from fuzz_readers import Reader, every_reader

COLUMNS = ("files", "read", "refused", "findings", "slowest s", "most MB")


@dataclass
class Tally:
    """What came of a reader's files."""

    kinds: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    slowest: int = 0
    megabytes: float = 0.0
    findings: list[tuple[int, Outcome]] = field(default_factory=list)

    def add(self, number: int, outcome: Outcome) -> None:
        """Count a file."""
        self.kinds[outcome.kind] += 1
        if outcome.seconds > self.seconds:
            self.seconds, self.slowest = outcome.seconds, number
        self.megabytes = max(self.megabytes, outcome.megabytes)
        if outcome.is_finding:
            self.findings.append((number, outcome))

    def cells(self) -> list[str]:
        """In the order of the columns."""
        total, read, refused = self.kinds.total(), self.kinds["read"], self.kinds["refused"]
        counts = [total, read, refused, len(self.findings)]
        return [*(f"{count:,}" for count in counts), f"{self.seconds:.2f}", f"{self.megabytes:.0f}"]


def main() -> None:
    """Change files and print what came of them."""
    readers = {reader.name: reader for reader in every_reader()}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0, help="in total, over all readers")
    parser.add_argument("--only", nargs="*", choices=[*readers], default=[*readers])
    parser.add_argument("--first", type=int, default=0, help="number of the first file")
    parser.add_argument("--show", type=int, help="write the files of that number, and stop")
    options = parser.parse_args()
    chosen = [readers[name] for name in options.only]
    if options.show is not None:
        write_case(chosen[0], options.show, Path())
        return
    tallies = [fuzzed(reader, options.first, 60 * options.minutes / len(chosen)) for reader in chosen]
    print(f"\n| reader | {' | '.join(COLUMNS)} |\n|{'---|' * (len(COLUMNS) + 1)}")
    for reader, tally in zip(chosen, tallies, strict=True):
        print(f"| {reader.name} | {' | '.join(tally.cells())} |")
    total = Tally(sum((tally.kinds for tally in tallies), Counter()), max(t.seconds for t in tallies))
    total.megabytes = max(tally.megabytes for tally in tallies)
    total.findings = [finding for tally in tallies for finding in tally.findings]
    print(f"| all | {' | '.join(total.cells())} |")
    sys.exit(bool(total.findings))


def fuzzed(reader: Reader, first: int, seconds: float, limits: Limits = Limits()) -> Tally:  # noqa: B008 - immutable
    """Read files of a reader for some time, and print the first finding of each kind."""
    tally, child, end = Tally(), Child(reader, limits), time.monotonic() + seconds
    number = first
    while time.monotonic() < end:
        outcome = child.read(number)
        if outcome.is_finding and outcome.kind not in tally.kinds:
            print(f"{reader.name}, file {number}: {outcome.kind}\n{outcome.told[-2000:]}", flush=True)
        tally.add(number, outcome)
        number += 1
    child.close()
    print(f"{reader.name}: {tally.kinds.total():,} files, the slowest is {tally.slowest}", flush=True)
    return tally


if __name__ == "__main__":
    main()
