"""How long the command line takes to start, beside the imports that it cannot do without.

    python benchmarks/start.py [--runs 7]

Every run is a process of its own, and the commands take turns after one round that warms the disk's cache and writes
bytecode. The run scores one made-up crop by dlib's network, reading in the same process: all that it takes is its
start, but for one pass. Prints a table in Markdown: median seconds, and the median of the ratios to importing Lightning
in the same round.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

LIGHTNING = "python -c 'import lightning.pytorch'"
COMMANDS = {
    "froq --help": "--help",
    "froq predict --help": "predict --help",
    "froq backbones list": "backbones list",
    "froq predict crop.png": "predict crop.png --aligner=null --workers=0 --quiet",
    "froq predict --help all": "predict --help all",
}
PYTHON = {
    **{name: ("-m", "froq_lightning", *arguments.split()) for name, arguments in COMMANDS.items()},
    "python -c 'import torch'": ("-c", "import torch"),
    LIGHTNING: ("-c", "import lightning.pytorch"),
}


def seconds(arguments: tuple[str, ...], folder: str) -> float:
    """Run Python once, in a folder."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL, cwd=folder)
    return time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        pixels = np.random.default_rng(0).integers(0, 256, (150, 150, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(Path(folder, "crop.png"))
        rounds = [{name: seconds(words, folder) for name, words in PYTHON.items()} for _ in range(runs + 1)][1:]
    print("| command | seconds | ratio to importing Lightning |\n|---|---|---|")
    for name in PYTHON:
        median = statistics.median(one[name] for one in rounds)
        share = statistics.median(one[name] / one[LIGHTNING] for one in rounds)
        print(f"| `{name}` | {median:.2f} | {share:.3f} |")


if __name__ == "__main__":
    main()
