"""The figures that explain conventions are those that the code makes."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from themed_svg import numbers_in

DOCS = Path(__file__).parents[2] / "docs"
NAMES = ("area", "conventions", "ties", "discarded")


@pytest.fixture(scope="session")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_figures", DOCS / "figures.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def flat(numbers: object) -> list[float]:
    """List all numbers, in the order of their names."""
    if isinstance(numbers, dict):
        return [one for name in sorted(numbers) for one in flat(numbers[name])]
    return [one for part in numbers for one in flat(part)] if isinstance(numbers, list) else [float(numbers)]  # type: ignore[arg-type]


@pytest.mark.parametrize("name", NAMES)
def test_the_script_still_makes_the_committed_figure(script: ModuleType, name: str) -> None:
    _, _, numbers = script.FIGURES[name]()
    committed = numbers_in(DOCS / "figures" / f"{name}.svg")
    assert numbers.keys() == committed.keys()
    assert flat(committed) == pytest.approx(flat(numbers), abs=1e-5)


def test_every_figure_of_the_folder_has_a_function(script: ModuleType) -> None:
    assert sorted(script.FIGURES) == sorted(NAMES)
    assert sorted(path.stem for path in (DOCS / "figures").iterdir()) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_figure_is_an_svg_that_fetches_nothing_and_has_a_title(name: str) -> None:
    path = DOCS / "figures" / f"{name}.svg"
    root = ET.parse(path).getroot()  # noqa: S314 - our own
    title = root.find("{http://www.w3.org/2000/svg}title")
    assert title is not None
    assert len(title.text or "") > 30
    links = [value for each in root.iter() for key, value in each.attrib.items() if key.endswith("href")]
    assert all(link.startswith("#") for link in links)
    assert path.stat().st_size < 100_000


def test_the_shaded_area_over_the_dashed_box_is_the_area_that_is_named() -> None:
    numbers = numbers_in(DOCS / "figures" / "area.svg")
    assert np.mean(numbers["fnmr"]) / numbers["fnmr"][0] == pytest.approx(numbers["area"], abs=1e-4)
    assert f"= {numbers['area']:.2f}" in (DOCS / "figures" / "area.svg").read_text(encoding="utf-8")


def test_what_the_page_says_of_ties_can_be_seen() -> None:
    numbers = numbers_in(DOCS / "figures" / "ties.svg")
    assert numbers["together"] > 1.2 * numbers["expected"]
    assert np.ptp(numbers["orders"]) > 0.1 * np.mean(numbers["orders"])


def test_conventions_disagree_about_the_best_quality() -> None:
    numbers = numbers_in(DOCS / "figures" / "conventions.svg")
    assert numbers["froq"]["fine"] < numbers["froq"]["coarse"] < numbers["froq"]["random"]
    assert numbers["rce"]["fine"] < numbers["rce"]["coarse"]  # where higher is better
    assert min(numbers["froq"].values()) > 10 * max(numbers["iso"].values())


def test_a_threshold_that_is_set_anew_lowers_the_errors_where_bad_faces_are_alike() -> None:
    numbers = numbers_in(DOCS / "figures" / "discarded.svg")
    fixed, anew, _ = numbers.values()
    assert fixed[0] == pytest.approx(anew[0], rel=0.02)
    assert anew[3] < 0.6 * fixed[3]
