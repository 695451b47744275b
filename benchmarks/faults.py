"""What is lost when things go wrong: faults in real runs, which are then started again with the same command.

    python benchmarks/faults.py --shared DIR [--faults 200] [--seed 0] [--only killed killed_of_two ...]

Each run works on real faces with EdgeFace-XXS and must end with the very bytes of an undisturbed run, but for images
that were changed on purpose. Prints a table in Markdown, and fails if a row was lost or doubled, a byte differs, or a
half file was seen.

`killed`: SIGKILL at a random moment of `predict` with embeddings. `labelling_killed`: of `validate` that makes labels.
`killed_of_two`: one or both of two processes. `disk_full`: a small tmpfs (as root; else a limit to the size of files)
is full at a random byte. `damaged`: a killed run's journal is cut, or a byte of it is changed. `network_raises`: in a
random pass. `files_change`: images vanish, become folders, pipes or garbage while they are read.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
from fault_bench import Tally, prepared
from fault_kinds import KINDS

from froq_lightning.cli.trainer import quieten

COLUMNS = ("faults", "runs", "rows expected", "lost", "doubled", "other bytes", "half files")


def main() -> None:
    """Inject faults and print what came of them."""
    names = [kind.__name__ for kind in KINDS]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--faults", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", choices=names, default=names)
    options = parser.parse_args()
    quieten()
    total = Tally()
    print(f"| kind | {' | '.join(COLUMNS)} |\n|{'---|' * (len(COLUMNS) + 1)}", flush=True)
    with tempfile.TemporaryDirectory() as name:
        bench = prepared(Path(name), options.shared, np.random.default_rng(options.seed))
        for kind, share in KINDS.items():
            if kind.__name__ in options.only:
                bench.tally = Tally()
                kind(bench, -(-options.faults // share))
                print(f"| {kind.__name__} | {' | '.join(map(str, bench.tally.cells()))} |", flush=True)
                total = Tally(*map(sum, zip(total.cells(), bench.tally.cells(), strict=True)))
    print(f"| all | {' | '.join(map(str, total.cells()))} |")
    sys.exit(not total.is_clean)


if __name__ == "__main__":
    main()
