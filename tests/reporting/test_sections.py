"""Every section keeps the contract, and all of them together are a page that needs nothing else."""

import base64
import dataclasses
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from lightning.pytorch import Trainer
from markupsafe import Markup

from froq_lightning import reporting
from froq_lightning.conformance.sections import check_section
from froq_lightning.data.face_batch import FaceSample
from froq_lightning.errors import ConfigurationError, ExtensionError
from froq_lightning.evaluation.outcome import Evaluation
from froq_lightning.extensions import SECTIONS, discover, find
from froq_lightning.module import FroqModule
from froq_lightning.reporting import CalibrationReport, EvaluationReport
from froq_lightning.reporting.page import fill, render_page
from froq_lightning.reporting.report import Report
from froq_lightning.reporting.section import CalibrationContext, EvaluationContext, Part, Section
from froq_lightning.runs.calibration_run import Calibration

OURS = [name for name, extension in discover(SECTIONS).plugins.items() if extension.distribution == "froq-lightning"]
NAMES = [name for name in OURS if find(SECTIONS, name).load().page != "prediction"]
HOSTILE = (
    "window.owned = 'file'",
    "owned = 'layer'",
    "<script>window.owned = 'method'</script>",
    "window.owned = 'set'",
)
NUMBERS = count()
Run = tuple[Trainer, FroqModule, Path]
Page = Any
Context = CalibrationContext | EvaluationContext
MINE = """\
from froq_lightning.reporting.page import fill
from froq_lightning.reporting.section import Part, Section

def render(context):
    yield Part("mine", "Mine", fill("<h2>Mine</h2><p>{{ name }}</p>", name="<b>"))

SECTION = Section("calibration", 45, render)
BROKEN = Section("calibration", 5, lambda context: 1 / 0)
"""


@pytest.fixture
def contexts(validated: Run, tested: Run) -> dict[str, Context]:
    """The contexts of both pages, with names that try to break out."""
    trainer, module, _ = validated
    assert module.calibration is not None
    faces = trainer.datamodule.faces  # type: ignore[attr-defined]
    calibration = CalibrationContext(module.calibration, module.backbone, faces.__getitem__, 3)
    trainer, module, _ = tested
    assert module.evaluation is not None
    readers = [faces.__getitem__ for faces in trainer.datamodule.sets]  # type: ignore[attr-defined]
    return {"calibration": calibration, "evaluation": EvaluationContext(module.evaluation, readers, 3)}


@pytest.mark.parametrize("name", NAMES)
def test_every_section_of_ours_keeps_the_contract(name: str, contexts: dict[str, Context]) -> None:
    section: Section = find(SECTIONS, name).load()
    assert check_section(section, contexts[section.page])


@pytest.mark.parametrize(
    ("render", "message"),
    [
        (lambda _: [Part("a", "A", Markup("<script>"))], "#a has 'script', a script or a name that is not escaped"),
        (lambda _: [Part("a", "A", Markup("<b onclick=x>"))], "#a has 'b onclick'"),
        (lambda _: [Part("a", "A", Markup("<img src='https://x.org/a.png'>"))], "asks for 'https://x.org/a.png'"),
        (lambda _: [Part("a", "A", "text")], "to be Markup, as of `page.fill`, but got str"),
        (lambda _: [Part("a", "A", Markup(), "'</SCRIPT>'")], "the script of #a holds '</script'"),
        (lambda _: [Part("a", "A", Markup(), data={1j})], "the data of #a are no JSON values"),
        (lambda _: [Part("a b", "A", Markup())], "Expected unique anchors"),
        (lambda _: [Part("a", "A", Markup())] * 2, "Expected unique anchors"),
        (lambda _: [Part("a", "A", fill("{{ n }}", n=next(NUMBERS)))], "gives other parts the second time"),
    ],
)
def test_a_section_that_breaks_the_contract_is_named(
    render: Callable[[Any], list[Part]], message: str, contexts: dict[str, Context]
) -> None:
    with pytest.raises(ExtensionError, match=message):
        check_section(Section("calibration", 1, render), contexts["calibration"])


def test_a_context_of_the_other_page_is_refused(contexts: dict[str, Context]) -> None:
    with pytest.raises(ExtensionError, match="Expected a context of the page 'evaluation', but got one of 'calib"):
        check_section(Section("evaluation", 1, lambda _: []), contexts["calibration"])


def test_a_section_of_somebody_else_stands_in_its_place(
    install: Callable[..., Path], on_path: Path, render: Callable[..., Page], validated: Run
) -> None:
    (on_path / "froq_mine.py").write_text(MINE)
    install("froq_mine", "mine = froq_mine:SECTION\nbroken = froq_mine:BROKEN", group=SECTIONS)
    with pytest.warns(UserWarning, match="section 'broken' is left out of the report: ZeroDivisionError"):
        page = render(validated[1].calibration)
    links = [attributes["href"] for tag, attributes in page.elements if tag == "a"]
    assert links == [
        f"#{name}" for name in ("depth", "search", "cost", "scores", "mine", "failures", "layers", "settings")
    ]
    assert "<p>&lt;b&gt;</p>" in page.html


@pytest.fixture(params=["calibration_page", "evaluation_page"])
def page(request: pytest.FixtureRequest) -> Page:
    return request.getfixturevalue(request.param)


def test_a_page_needs_nothing_else_and_names_stay_text(page: Page) -> None:
    policies = [attributes.get("content") or "" for tag, attributes in page.elements if tag == "meta"]
    assert any(policy.startswith("default-src 'none'") for policy in policies)
    assert page.count("script") == 0
    assert "http:" not in page.html
    assert "https:" not in page.html
    assert not [attribute for _, attributes in page.elements for attribute in attributes if attribute.startswith("on")]
    assert sum(name in "".join(page.text) for name in HOSTILE) == (3 if "Evaluation" in page.words else 2)


def test_links_lead_somewhere_and_identifiers_are_used_once(page: Page) -> None:
    identifiers = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))
    links = [attributes for tag, attributes in page.elements if tag != "link"]
    targets = {attributes.get("href", attributes.get("xlink:href")) for attributes in links} - {None}
    assert targets <= {f"#{identifier}" for identifier in identifiers}


def test_the_logo_is_in_the_page(page: Page) -> None:
    icon = base64.b64encode(Path(reporting.__file__).with_name("logo.svg").read_bytes()).decode("ascii")
    (link,) = [attributes for tag, attributes in page.elements if tag == "link"]
    assert link == {"rel": "icon", "href": f"data:image/svg+xml;base64,{icon}"}
    assert f'background: url("{link["href"]}")' in page.html


def many_failures(result: Calibration | Evaluation, count: int) -> Calibration | Evaluation:
    if isinstance(result, Calibration):
        failed = {number: FaceSample(number, f"{number}.jpg", None, "no face found") for number in range(count)}
        return dataclasses.replace(result, left_out=failed)
    left_out = {f"{number}.jpg": "no face found" for number in range(count)}
    sets = tuple(dataclasses.replace(data_set, left_out=left_out) for data_set in result.sets)
    return dataclasses.replace(result, sets=sets)


@pytest.mark.parametrize("page", ["calibration", "evaluation"])
def test_of_many_failures_fifty_are_named(page: str, contexts: dict[str, Context], show: Callable[..., Page]) -> None:
    context = contexts[page]
    result = context.calibration if isinstance(context, CalibrationContext) else context.evaluation
    text = show(f"{page}_left_out", many_failures(result, 70)).words
    assert "49.jpg: no face found" in text
    assert "50.jpg" not in text
    assert "… and 20 more" in text
    assert "None: every image" in show(f"{page}_left_out", many_failures(result, 0)).words


@pytest.mark.parametrize("report", [CalibrationReport, EvaluationReport])
def test_a_report_without_matplotlib_or_with_fewer_than_no_faces_is_refused_before_the_run(
    report: type[Report], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigurationError, match="Expected `faces` to be at least 0, but got -1"):
        report("report.html", faces=-1)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ConfigurationError, match=r"Expected matplotlib.*froq-lightning\[report\].*--report=false"):
        report("report.html")


def test_a_page_without_any_section_warns(
    contexts: dict[str, Context], install: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    texts: dict[str, Any] = {"title": "T", "headline": Markup(), "facts": Markup(), "caveats": [], "warning": ""}
    render_page(contexts["calibration"], **texts)  # whatever is imported late is imported now
    monkeypatch.setattr(sys, "path", [str(install("froq_lightning", ""))])  # as of a version without sections
    with pytest.warns(UserWarning, match="no section of the calibration page is installed, so that it shows nothing"):
        render_page(contexts["calibration"], **texts)
