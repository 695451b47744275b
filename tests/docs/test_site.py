"""The site builds without a warning, and what its pages link to is there."""

import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pages
import pytest

import froq_lightning

pytest.importorskip("sphinx", reason="needs the extra docs")
pytestmark = pytest.mark.slow

# What each notebook must have printed, besides a picture: one that says nothing shows nothing.
NOTEBOOKS = {
    "first_scores": ("no face found", "occluded", "Hold still.", "scores: scores.csv"),
    "calibrate": ("observer: observer.json", "cross-validated", "calibrated on"),
    "threshold": ("certain: FNMR of at most 2 %", "true FNMR", "mated trials of"),
}


class Page(HTMLParser):
    """What a page links to, shows, and can be linked to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.text = ""
        self.anchors: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del tag
        given = dict(attrs)
        self.anchors |= {value for name in ("id", "name") if (value := given.get(name))}
        self.links |= {value for name in ("href", "src") if (value := given.get(name)) is not None}

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as CI builds it."""
    place = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", str(pages.DOCS), str(place)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return place


def broken(site: Path, found: dict[Path, Page]) -> list[str]:
    """Links that lead nowhere within the site; those that lead out of it are not followed."""
    wrong = []
    for path, page in found.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchor = unquote(parts.fragment)
            if not target.is_file() or (anchor and target in found and anchor not in found[target].anchors):
                wrong.append(f"{path.relative_to(site)}: {link}")
    return wrong


def test_every_link_anchor_and_picture_is_there(site: Path) -> None:
    found = {path.resolve(): Page(path) for path in site.rglob("*.html") if "_static" not in path.parts}
    assert {path.relative_to(site.resolve()).with_suffix("").as_posix() for path in found} >= set(pages.names())
    assert sum(len(page.links) for page in found.values()) > 1000
    assert broken(site.resolve(), found) == []


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text('<a href="b.html#there">x</a><a href="b.html#gone">x</a><img src="gone.png">')
    (tmp_path / "b.html").write_text('<h1 id="there">x</h1>')
    found = {path: Page(path) for path in tmp_path.glob("*.html")}
    assert sorted(broken(tmp_path, found)) == ["a.html: b.html#gone", "a.html: gone.png"]


def test_no_page_shows_markup_that_was_not_understood(site: Path) -> None:
    for path in site.glob("*.html"):
        content = path.read_text(encoding="utf-8")
        assert ":::" not in content, path.name
        assert "```{" not in content, path.name
        assert "$$" not in content, path.name


def test_pages_need_nothing_from_elsewhere(site: Path) -> None:
    for path in site.rglob("*.html"):
        content = path.read_text(encoding="utf-8")
        assert '<script src="http' not in content
        assert '<link rel="stylesheet" type="text/css" href="http' not in content


def test_the_reference_has_an_anchor_for_every_public_name(site: Path) -> None:
    anchors = Page(site / "reference.html").anchors
    assert {f"froq_lightning.{name}" for name in froq_lightning.__all__} <= anchors


def test_llms_txt_lies_at_the_root(site: Path) -> None:
    assert (site / "llms.txt").read_text().startswith("# froq-lightning")


@pytest.mark.parametrize("name", [path.stem for path in (pages.DOCS / "notebooks").glob("*.md")])
def test_a_notebook_ran_to_its_end(site: Path, name: str) -> None:
    pytest.importorskip("froq_dlib", reason="needs the plugin froq-dlib")
    page = Page(site / "notebooks" / f"{name}.html")
    assert [words for words in NOTEBOOKS[name] if words not in page.text] == []
    assert any(link.endswith(".png") and "_images" in link for link in page.links)
