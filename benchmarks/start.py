"""How long the command line takes to start, beside the import of torch alone.

    python benchmarks/start.py [--runs 7]

Every run is a process of its own, and the commands take turns after one round that warms the disk's cache and writes
bytecode. Prints a table in Markdown: median seconds, and the median of the ratios to importing torch in the same round.
"""

import argparse
import statistics
import subprocess
import sys
import time

TORCH = "python -c 'import torch'"
COMMANDS = {
    "froq --version": ("-m", "froq_lightning", "--version"),
    "froq backbones list": ("-m", "froq_lightning", "backbones", "list"),
    "froq predict --help": ("-m", "froq_lightning", "predict", "--help"),
    TORCH: ("-c", "import torch"),
}


def seconds(arguments: tuple[str, ...]) -> float:
    """Run Python once."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    runs = parser.parse_args().runs
    rounds = [{name: seconds(arguments) for name, arguments in COMMANDS.items()} for _ in range(runs + 1)][1:]
    print("| command | seconds | share of importing torch |\n|---|---|---|")
    for name in COMMANDS:
        median = statistics.median(one[name] for one in rounds)
        share = statistics.median(one[name] / one[TORCH] for one in rounds)
        print(f"| `{name}` | {median:.2f} | {share:.3f} |")


if __name__ == "__main__":
    main()
