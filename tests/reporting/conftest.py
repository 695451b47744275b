"""`test` run once on real faces, with names that try to break out of the page, and a browser to open the page in."""

import csv
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
import torch
from lightning.pytorch import Trainer

from froq_lightning.datamodules.trials import TrialDataModule
from froq_lightning.evaluation.evaluate import MetricOptions
from froq_lightning.module import FroqModule
from froq_lightning.reporting import EvaluationReport

METHOD = "<script>window.owned = 'method'</script>"
DATA_SET = '"><img src=x onerror="window.owned = \'set\'">'
BROKEN = "<img src=x onerror=\"window.owned = 'file'\">.jpg"
ACTIVE = {"script", "iframe", "object", "embed", "link", "base", "form"}
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
OFFLINE = ("--headless=new", "--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND")


class Content(HTMLParser):
    """Collects the elements of a page with their attributes, its text, and the cells of its tables."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.tables: list[list[list[str]]] = []
        self._is_in_cell = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("th", "td"):
            self.tables[-1][-1].append("")
            self._is_in_cell = True
        elif tag in ("small", "span", "dd"):
            self.handle_data(" ")

    def handle_endtag(self, tag: str) -> None:
        self._is_in_cell = self._is_in_cell and tag not in ("th", "td")

    def handle_data(self, data: str) -> None:
        self.text.append(data)
        if self._is_in_cell:
            self.tables[-1][-1][-1] += data

    def count(self, tag: str) -> int:
        return sum(element == tag for element, _ in self.elements)

    def active(self) -> list[str]:
        """Elements and attributes that could run code."""
        handlers = [name for _, attributes in self.elements for name in attributes if name.startswith("on")]
        return handlers + [tag for tag, _ in self.elements if tag in ACTIVE]

    def addresses(self) -> list[str]:
        """What the page shows or leads to, but for pictures that are part of it and places in it."""
        named = [attributes.get(name) for _, attributes in self.elements for name in ("src", "href")]
        found = [address for address in named if address]
        assert found, "there are pictures and links"
        return [address for address in found if not re.match(r"data:image/jpeg;base64,|#", address)]

    def forbids_everything_else(self) -> bool:
        """Whether the page itself tells the browser to load nothing."""
        policies = [attributes.get("content") or "" for tag, attributes in self.elements if tag == "meta"]
        return any(policy.startswith("default-src 'none'") for policy in policies)


def write_trials(path: Path, data: Path) -> None:
    """Write 60 mated and 180 non-mated trials between good and degraded faces, one of them with a broken file."""
    with (data / "pairs_cross_quality.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    mated = [[str(data / row[0]), str(data / row[1]), "1"] for row in rows if row[2] == "1"][:60]
    crossed = [[mated[at][0], mated[(at + step) % 60][1], "0"] for step in (17, 29, 41) for at in range(60)]
    different = [row for row in crossed if Path(row[0]).parent.name != Path(row[1]).parent.name]
    (path.parent / BROKEN).touch()
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *mated, *different, [mated[0][0], BROKEN, "1"]])


@pytest.fixture(scope="session")
def tested(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Trainer, FroqModule, Path]:
    """A Trainer and a module after `test`, and the page that it wrote."""
    folder = tmp_path_factory.mktemp("tested")
    write_trials(folder / "trials.csv", shared / "data")
    weights = str(shared / "data" / "weights" / "edgeface_xxs.safetensors")
    module = FroqModule(
        "timm",
        {"architecture": "edgenext_xx_small", "weights": weights},
        methods=("embedding_norm", {"method": "embedding_norm", "label": METHOD}, "random", "grafiqs"),
        metrics=MetricOptions(("froq", "cr-fiqa", "iso", "rce"), (0.02, 0.005)),
    )
    trials = str(folder / "trials.csv")
    data = TrialDataModule(
        [{"source": trials, "name": DATA_SET}, {"source": trials, "name": "plain"}], module.preprocessing, workers=0
    )
    report = EvaluationReport(folder / "deeper" / "report.html", faces=3)
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    trainer = Trainer(accelerator="cpu", callbacks=[report], enable_model_summary=False, **quiet)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    trainer.test(module, data, verbose=False)
    torch.set_num_threads(threads)
    return trainer, module, report.path


@pytest.fixture(scope="session")
def page(tested: tuple[Trainer, FroqModule, Path]) -> str:
    """The page that `test` wrote."""
    return tested[2].read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def content_of() -> Callable[[str], Content]:
    """Takes a page apart."""
    return Content


@pytest.fixture
def browse(tmp_path: Path) -> Callable[..., str]:
    """Opens a page in a browser without network; returns what it printed."""
    if CHROMIUM is None:
        pytest.skip("needs Chromium to open the page")

    def opened(page: str, *options: str) -> str:
        (tmp_path / "page.html").write_text(page, encoding="utf-8")
        profile = f"--user-data-dir={tmp_path / 'profile'}"
        command = [str(CHROMIUM), *OFFLINE, profile, *options, (tmp_path / "page.html").as_uri()]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout

    return opened


@pytest.fixture
def look(browse: Callable[..., str]) -> Callable[..., object]:
    """Opens a page in a browser and returns the value of an expression in it, even where the page allows no script."""

    def seen(page: str, expression: str, *options: str) -> object:
        policy = page[page.index("<meta http-equiv") : page.index("<title>")]
        script = f"document.body.textContent = 'SEEN' + JSON.stringify({expression}) + 'SEEN'"
        waiting = f"<script>window.onload = () => {{ {script} }}</script>"
        printed = browse(page.replace(policy, "").replace("</body>", f"{waiting}</body>"), "--dump-dom", *options)
        return json.loads(printed.split("SEEN")[-2].replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">"))

    return seen
