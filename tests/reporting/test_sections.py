"""Every section keeps the contract, and all of them together are a page that needs nothing else."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lightning.pytorch import Trainer
from markupsafe import Markup

from froq_lightning.conformance.sections import check_section
from froq_lightning.errors import ExtensionError
from froq_lightning.extensions import SECTIONS, discover, find
from froq_lightning.module import FroqModule
from froq_lightning.reporting.page import fill
from froq_lightning.reporting.section import CalibrationContext, EvaluationContext, Part, Section

NAMES = [name for name, extension in discover(SECTIONS).plugins.items() if extension.distribution == "froq-lightning"]
HOSTILE = (
    "window.owned = 'file'",
    "owned = 'layer'",
    "<script>window.owned = 'method'</script>",
    "window.owned = 'set'",
)
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
    readers = [faces.__getitem__ for faces in trainer.datamodule.faces]  # type: ignore[attr-defined]
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
        (lambda _: [Part("a b", "A", Markup())], "Expected unique anchors"),
        (lambda _: [Part("a", "A", Markup())] * 2, "Expected unique anchors"),
        (lambda _: [Part("a", "A", fill("{{ n }}", n=object()))], "gives other parts the second time"),
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


@pytest.mark.parametrize("name", ["calibration_page", "evaluation_page"])
def test_a_page_needs_nothing_else_and_names_stay_text(name: str, request: pytest.FixtureRequest) -> None:
    page = request.getfixturevalue(name)
    policies = [attributes.get("content") or "" for tag, attributes in page.elements if tag == "meta"]
    assert any(policy.startswith("default-src 'none'") for policy in policies)
    assert page.count("script") == 0
    assert "http:" not in page.html
    assert "https:" not in page.html
    assert not [attribute for _, attributes in page.elements for attribute in attributes if attribute.startswith("on")]
    assert sum(name in "".join(page.text) for name in HOSTILE) == (2 if name == "calibration_page" else 3)


@pytest.mark.parametrize("name", ["calibration_page", "evaluation_page"])
def test_links_lead_somewhere_and_identifiers_are_used_once(name: str, request: pytest.FixtureRequest) -> None:
    page = request.getfixturevalue(name)
    identifiers = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))
    targets = [
        attributes[key] for _, attributes in page.elements for key in ("href", "xlink:href") if key in attributes
    ]
    assert {target.removeprefix("#") for target in targets} <= set(identifiers)
