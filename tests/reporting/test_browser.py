"""The pages in a browser without network: everything is shown, and no name is run."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from chromium import Browser
from markupsafe import escape

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
OFFLINE = ("--headless=new", "--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND")
BROKEN = "<img src=x onerror=\"window.owned = 'file'\">.jpg"
Page = Any
pytestmark = pytest.mark.slow


@pytest.fixture
def look(tmp_path: Path) -> Callable[..., object]:
    """Opens a page in a browser and returns the value of an expression in it, even where the page allows no script."""
    if CHROMIUM is None:
        pytest.skip("needs Chromium to open the page")

    def evaluate(page: str, expression: str, *options: str) -> object:
        policy = page[page.index("<meta http-equiv") : page.index("<title>")]
        script = f"document.body.textContent = 'SEEN' + JSON.stringify({expression}) + 'SEEN'"
        waiting = f"<script>window.onload = () => {{ {script} }}</script>"
        path, profile = tmp_path / "page.html", f"--user-data-dir={tmp_path / 'profile'}"
        path.write_text(page.replace(policy, "").replace("</body>", f"{waiting}</body>"), encoding="utf-8")
        command = [str(CHROMIUM), *OFFLINE, profile, "--dump-dom", *options, path.as_uri()]
        printed = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout
        return json.loads(printed.split("SEEN")[-2].replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">"))

    return evaluate


@pytest.fixture(params=["calibration_page", "evaluation_page"])
def page(request: pytest.FixtureRequest) -> str:
    html: str = request.getfixturevalue(request.param).html
    return html


@pytest.mark.parametrize("width", [500, 800, 1300])
def test_everything_is_there_and_no_name_is_run(page: str, look: Callable[..., object], width: int) -> None:
    expression = (
        "{owned: window.owned ?? null, pictures: [...document.images].map(one => one.naturalWidth), "
        "drawings: [...document.querySelectorAll('figure svg')].map(one => one.getBoundingClientRect().height), "
        "wide: document.documentElement.scrollWidth > window.innerWidth, "
        "clipped: [...document.querySelectorAll('figure text')].filter(one => {"
        "const [own, all] = [one, one.closest('figure')].map(each => each.getBoundingClientRect());"
        "return own.left < all.left || own.right > all.right || own.top < all.top || own.bottom > all.bottom})"
        ".map(one => one.textContent)}"
    )
    seen = look(page.replace("<details>", "<details open>"), expression, f"--window-size={width},1400")
    assert isinstance(seen, dict)
    assert seen["owned"] is None
    assert len(seen["pictures"]) == page.count("<img ") >= 3 * 2 * 3
    assert min(seen["pictures"]) > 50
    assert min(seen["drawings"]) > 50
    assert not seen["wide"]
    assert seen["clipped"] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_thresholds_and_groups_are_within_the_window(
    open_page: Callable[[Path, int, str], Browser], tested: Any, width: int, scheme: str
) -> None:
    page = open_page(tested[2], width, scheme)
    for section in ("thresholds", "groups"):
        assert page.value(f"document.querySelectorAll('#{section} tbody tr').length") >= 2
        heights = (
            f"[...document.querySelectorAll('#{section} figure svg')].map(one => one.getBoundingClientRect().height)"
        )
        assert min(page.value(heights)) > 50


def test_a_browser_would_tell_if_a_name_were_run(page: str, look: Callable[..., object]) -> None:
    broken = page.replace(str(escape(BROKEN)), BROKEN)
    assert broken != page
    assert look(broken, "window.owned ?? null") == "file"


def test_no_writing_in_a_chart_runs_into_another(calibration_page: Page, look: Callable[..., object]) -> None:
    expression = (
        "[...document.querySelectorAll('figure svg')].flatMap(chart => {"
        "const texts = [...chart.querySelectorAll('text')].map(one => [one.textContent, one.getBoundingClientRect()]);"
        "return texts.flatMap(([name, own], at) => texts.slice(at + 1)"
        ".filter(([_, other]) => own.left < other.right - 1 && other.left < own.right - 1"
        " && own.top < other.bottom - 4 && other.top < own.bottom - 4)"
        ".map(([other, _]) => [name, other]))})"
    )
    for width in (500, 1300):
        assert look(calibration_page.html, expression, f"--window-size={width},1400") == []
