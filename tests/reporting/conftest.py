"""`validate` and `test` run once on real faces, with names that try to break out of the page; and a browser."""

import csv
import dataclasses
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from chromium import CHROMIUM, Browser, browser
from lightning.pytorch import Trainer

from froq_lightning.calibration.budget import Budget
from froq_lightning.calibration.observer import CalibrationSet, Observer
from froq_lightning.calibration.rules.rule import Rule
from froq_lightning.calibration.selection import select_layers
from froq_lightning.data.degradations import Degradations
from froq_lightning.datamodules.faces import FaceDataModule
from froq_lightning.datamodules.trials import TrialDataModule
from froq_lightning.evaluation.evaluate import MetricOptions
from froq_lightning.evaluation.outcome import Evaluation
from froq_lightning.extensions import SECTIONS, find
from froq_lightning.module import FroqModule
from froq_lightning.reporting import CalibrationReport, EvaluationReport
from froq_lightning.reporting.section import CalibrationContext, EvaluationContext, Section
from froq_lightning.runs.calibration_run import Calibration

METHOD = "<script>window.owned = 'method'</script>"
DATA_SET = '"><img src=x onerror="window.owned = \'set\'">'
GROUPS = ("late", "<script>early</script>")
BROKEN = "<img src=x onerror=\"window.owned = 'file'\">.jpg"
LAYER = "<img src=x onerror=\"owned = 'layer'\">"
WORST = '"><img src=x onerror="window.owned = \'face\'">.jpg'
QUIET: dict[str, Any] = {
    "accelerator": "cpu",
    "logger": False,
    "enable_checkpointing": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
}
Run = tuple[Trainer, FroqModule, Path]


class Page(HTMLParser):
    """Collects the elements of a page with their attributes, its text, and the cells of its tables."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.tables: list[list[list[str]]] = []
        self._is_in_cell = False
        self.feed(html)

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

    @property
    def words(self) -> str:
        """The text, with single spaces."""
        return " ".join("".join(self.text).replace("\u00a0", " ").split())

    def rows(self, title: str) -> list[list[str]]:
        """The rows of the table with a column of that title."""
        found = next(rows for rows in self.tables if any(cell.split() == title.split() for cell in rows[0]))
        return [[" ".join(cell.split()) for cell in row] for row in found[1:]]

    def count(self, tag: str) -> int:
        return sum(element == tag for element, _ in self.elements)


@pytest.fixture(scope="session")
def parse() -> type[Page]:
    """Reads HTML into a Page."""
    return Page


def edgeface_options(shared: Path) -> dict[str, Any]:
    return {
        "architecture": "edgenext_xx_small",
        "weights": str(shared / "data" / "weights" / "edgeface_xxs.safetensors"),
    }


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
    images = {side for row in mated for side in row[:2]}
    with (path.parent / "groups.csv").open("w", encoding="utf-8", newline="") as file:
        groups = [[image, GROUPS[Path(image).parent.name < "G"]] for image in sorted(images)]
        csv.writer(file).writerows([["path", "<i>half"], *groups])


@pytest.fixture(scope="session")
def tested(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A Trainer and a module after `test`, and the page that it wrote."""
    folder = tmp_path_factory.mktemp("tested")
    write_trials(folder / "trials.csv", shared / "data")
    module = FroqModule(
        "timm",
        edgeface_options(shared),
        methods=("embedding_norm", {"method": "embedding_norm", "label": METHOD}, "random", "grafiqs"),
        metrics=MetricOptions(("froq", "cr-fiqa", "iso", "rce"), (0.02, 0.005)),
    )
    trials = str(folder / "trials.csv")
    data = TrialDataModule(
        [{"source": trials, "name": DATA_SET}, {"source": trials, "name": "plain"}],
        module.preprocessing,
        groups=str(folder / "groups.csv"),
        group_column="<i>half",
        workers=0,
    )
    report = EvaluationReport(folder / "deeper" / "report.html", faces=3)
    trainer = Trainer(callbacks=[report], **QUIET)
    trainer.test(module, data, verbose=False)
    return trainer, module, report.path


@pytest.fixture(scope="session")
def evaluation_page(tested: Run) -> Page:
    """The page that `test` wrote."""
    return Page(tested[2].read_text(encoding="utf-8"))


@pytest.fixture
def render_evaluation(tested: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Page]:
    """Writes the page of another evaluation of the same data."""

    def render(evaluation: Evaluation, faces: int = 0) -> Page:
        monkeypatch.setattr(tested[1], "evaluation", evaluation)
        EvaluationReport(tmp_path / "again.html", faces).on_test_end(*tested[:2])
        return Page((tmp_path / "again.html").read_text(encoding="utf-8"))

    return render


def write_manifest(folder: Path, crops: Path, labels: dict[str, float]) -> Path:
    """Link the crops into a folder, the worst one under a hostile name, and label them; one more file is broken."""
    names = {name: name for name in labels} | {min(labels, key=lambda name: labels[name]): WORST}
    for name, link in names.items():
        (folder / link).symlink_to(crops / name)
    (folder / BROKEN).touch()
    with (folder / "labels.csv").open("w", encoding="utf-8", newline="") as file:
        rows = [(names[name], label) for name, label in labels.items()]
        csv.writer(file).writerows([("path", "pseudo_quality"), *rows, (BROKEN, 0.5)])
    return folder / "labels.csv"


def rename_a_block(module: FroqModule) -> None:
    """Give the layers of a block that is likely to be chosen names that try to break out of the page."""
    blocks = module.network.stages[2].blocks
    for number, block in list(blocks.named_children()):
        delattr(blocks, number)
        blocks.add_module(f"{LAYER}{number}", block)
    module.backbone = dataclasses.replace(module.backbone, candidate_layers=("*",))


@pytest.fixture(scope="session")
def validated(shared: Path, golden: dict[str, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A Trainer and a module after `validate` on real faces, half of them degraded, and the page that it wrote."""
    folder = tmp_path_factory.mktemp("validated")
    labels = {name: label["pseudo_quality"] for name, label in golden["mobilefacenet"]["labels"].items()}
    module = FroqModule("timm", edgeface_options(shared), preset="distinct")
    rename_a_block(module)
    source = str(write_manifest(folder, shared / "data" / "calibration", labels))
    data = FaceDataModule(source, module.preprocessing, degrade=Degradations(0.3), workers=0)
    report = CalibrationReport(folder / "deeper" / "calibration.html", faces=3)
    trainer = Trainer(callbacks=[report], **QUIET)
    trainer.validate(module, data, verbose=False)
    return trainer, module, report.path


@pytest.fixture(scope="session")
def calibration(validated: Run) -> Calibration:
    """What `validate` found."""
    assert validated[1].calibration is not None
    return validated[1].calibration


@pytest.fixture(scope="session")
def calibration_page(validated: Run) -> Page:
    """The page that `validate` wrote."""
    return Page(validated[2].read_text(encoding="utf-8"))


@pytest.fixture
def render(validated: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Page]:
    """Writes the page of another calibration of the same network."""

    def written(calibration: Calibration, trainer: Trainer | None = None, faces: int = 0) -> Page:
        monkeypatch.setattr(validated[1], "calibration", calibration)
        path = tmp_path / "again" / "page.html"
        CalibrationReport(path, faces).on_validation_end(trainer or validated[0], validated[1])
        assert [file.name for file in path.parent.iterdir()] == ["page.html"]
        return Page(path.read_text(encoding="utf-8"))

    return written


@pytest.fixture
def show(validated: Run) -> Callable[..., Page]:
    """Renders a single section of another calibration or evaluation, without faces."""

    def shown(name: str, result: Calibration | Evaluation) -> Page:
        section: Section = find(SECTIONS, name).load()
        if isinstance(result, Calibration):
            context: Any = CalibrationContext(result, validated[1].backbone, None, 0)
        else:
            context = EvaluationContext(result, [], 0)
        return Page("".join(part.content for part in section.render(context)))

    return shown


@pytest.fixture
def reselect(validated: Run, calibration: Calibration) -> Callable[..., Calibration]:
    """Chooses layers from the same norms by another rule."""

    def selected(
        preset: Rule, budget: Budget | None = None, *, timed: bool = True, name: str = "distinct"
    ) -> Calibration:
        budget = budget or Budget()
        selection, table, names = calibration.selection, calibration.table, validated[1].backbone.candidate_layers
        order = [names.index(layer.name) for layer in selection.candidates]
        failures = {names.index(layer.name): layer.reason for layer in selection.candidates if layer.reason}
        costs = [selection.costs.get(layer, 1.0) for layer in names] if timed else ()
        chosen = select_layers(table.norms, table.pseudo_quality, names, preset, order, failures, costs, budget)
        images = CalibrationSet(len(table.norms), len(table.missing), {"method": "given"})
        observer = Observer.from_selection(chosen, validated[1].identity, name, images, budget)
        return dataclasses.replace(calibration, observer=observer, selection=chosen)

    return selected


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser without network."""
    if CHROMIUM is None:
        pytest.skip("needs Chromium to open the page")
    with browser(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture(scope="session")
def open_page(chromium: Browser) -> Callable[[Path, int, str], Browser]:
    """Opens a page at a width in a colour scheme: all is within the window, and nothing is asked for."""
    clipped = (
        "[...document.querySelectorAll('body *')]"
        ".filter(one => one.checkVisibility() && !one.closest('nav, svg, .scroll'))"
        ".filter(one => one.getBoundingClientRect().right > document.documentElement.clientWidth + 1)"
        ".map(one => one.outerHTML.slice(0, 90))"
    )

    def opened(path: Path, width: int, scheme: str) -> Browser:
        chromium.requests.clear()
        chromium.complaints.clear()
        chromium.open(path, width, scheme)
        assert chromium.value("document.documentElement.scrollWidth <= window.innerWidth")
        assert chromium.value(clipped) == []
        assert chromium.value("window.owned ?? null") is None
        colour = chromium.value("getComputedStyle(document.body).backgroundColor")
        assert colour == {"light": "rgb(255, 255, 255)", "dark": "rgb(16, 21, 29)"}[scheme]
        assert [url for url in chromium.requests if not url.startswith("data:")] == [path.as_uri()]
        assert chromium.complaints == []
        return chromium

    return opened
