"""What the page of `froq predict` costs by the number of images: its size, and time and memory to write and open it.

    python benchmarks/prediction_page.py --shared DIR [--images 1000 100000]

Each run is a whole `froq` process over a folder with twenty images of each subject, of which each file stands for many
(symbolic links), once without and once with `--report`; the network is a tiny one with random weights. The page is then
opened in Chromium, if there is one. Prints a table in Markdown.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import timm
import torch
from chromium import CHROMIUM, Browser, browser
from networks import faces
from peak_memory import CODE, froq

SUBJECT = 20
NETWORK = "{architecture: test_resnet, size: 32, weights: %s}"
# Types a text, or chooses an order, and returns the milliseconds until the rows are there.
SEARCH = """(() => {
    const [field, start] = [document.getElementById("find-text"), performance.now()];
    field.value = "0042 7";
    field.dispatchEvent(new Event("input"));
    return performance.now() - start;
})()"""
SORT = """(() => {
    const start = performance.now();
    document.querySelector("[data-column='image']").click();
    return performance.now() - start;
})()"""


def lay_out(folder: Path, files: list[Path], count: int) -> None:
    """Link `count` images into a folder for each subject."""
    for index in range(count):
        link = folder / f"subject_{index // SUBJECT:05}" / f"image_{index:06}.jpg"
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(files[index % len(files)])


def predict(*options: str) -> tuple[float, float]:
    """Run `froq predict`; return its peak memory in MB, and the seconds between its scores and its end."""
    arguments = ["predict", *options, "--trainer.enable_progress_bar=false", "--trainer.accelerator=cpu"]
    with subprocess.Popen([sys.executable, "-u", "-c", CODE, *arguments], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [(line, time.perf_counter()) for line in process.stdout]
    (written,) = [seconds for line, seconds in lines if line.startswith("scores: ")]
    line, end = lines[-1]
    return float(line.removeprefix("PEAK")), end - written


def opened(page: Path, profile: Path) -> Iterator[str]:
    """Open the page; yield the time, the memory of its script, and the times of a search and of another order."""
    with browser(profile) as chromium:
        start = time.perf_counter()
        chromium.open(page)
        yield f"{time.perf_counter() - start:.1f}"
        yield f"{heap(chromium):.0f}"
        yield f"{chromium.value(SEARCH):.0f}"
        yield f"{chromium.value(SORT):.0f}"


def heap(chromium: Browser) -> float:
    """Memory of the page's script, in MB."""
    chromium.send("HeapProfiler.collectGarbage")
    return float(chromium.send("Runtime.getHeapUsage")["usedSize"]) / 2**20


def measure(folder: Path, files: list[Path], count: int) -> Iterator[str]:
    """Yield the cells of a row."""
    (folder / "few").mkdir()
    lay_out(folder / "few", files, 40)
    lay_out(folder / "images", files, count)
    torch.manual_seed(0)
    torch.save(timm.create_model("test_resnet", num_classes=512).state_dict(), folder / "weights.pth")
    options = [
        "--model.backbone=timm",
        f"--model.backbone_options={NETWORK % (folder / 'weights.pth')}",
        "--data.resize=true",
        "--data.batch_size=128",
    ]
    observer = f"{folder}/observer.json"
    froq("validate", *options, f"--data.source={folder}/few", f"--output={observer}", "--report=false")
    options += [f"--data.source={folder}/images", f"--output={folder}/scores.csv", f"--model.observer={observer}"]
    without, _ = predict(*options, "--report=false")
    peak, seconds = predict(*options, "--report")
    yield from (f"{(folder / 'scores.html').stat().st_size / 2**20:.2f}", f"{seconds:.1f}")
    yield from (f"{without:.0f}", f"{peak:.0f}")
    if CHROMIUM is not None:
        yield from opened(folder / "scores.html", folder / "profile")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--images", nargs="*", type=int, default=[1_000, 100_000])
    options = parser.parse_args()
    print(
        "| images | MB of the page | seconds to write it | peak MB of `predict` | with `--report` "
        f"| seconds to open it | MB of its script | ms of a search | ms of a sort |\n|{'---|' * 9}"
    )
    for count in options.images:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
            cells = measure(Path(name), faces(options.shared), count)
            print(f"| {count:,} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
