"""The distributions: one version, one set of addresses, and files that hold all that is needed and nothing else."""

import re
import subprocess
import tarfile
import tomllib
from email import message_from_string
from email.message import Message
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[1]
PARTS = [ROOT, *sorted((ROOT / "plugins").glob("froq-*"))]
PROJECTS = {path.name if path != ROOT else "froq-lightning": path for path in PARTS}
METADATA = {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE", "top_level.txt"}
SOURCES = {"LICENSE", "MANIFEST.in", "PKG-INFO", "README.md", "pyproject.toml", "setup.cfg"}
# Links and pictures of a page on an index lead nowhere unless they have a scheme, or stay on the page.
RELATIVE = re.compile(r"\]\((?!https?://|#|mailto:)[^)]*\)")
PLUGIN = re.compile(r"froq-(\w+)(?:\[\w+\])?(?:>=1\.0,<2|<2,>=1\.0)")


def project(name: str) -> dict:
    return tomllib.loads((PROJECTS[name] / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def tracked(name: str) -> set[str]:
    """The files of the package that git knows, as a wheel names them."""
    folder = PROJECTS[name] / ("src" if name != "froq-lightning" else "")
    package = name.replace("-", "_")
    listed = subprocess.run(["git", "ls-files", "-z", package], cwd=folder, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("needs a checkout of git")
    return set(filter(None, listed.stdout.split("\0")))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All wheels and sdists."""
    if not (ROOT / ".git").exists():
        pytest.skip("needs a checkout of git")
    folder = tmp_path_factory.mktemp("dist")
    made = subprocess.run([ROOT / ".ci" / "wheels", "build", folder], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout + made.stderr
    assert len(list(folder.iterdir())) == 2 * len(PROJECTS)
    return folder


def wheel(built: Path, name: str) -> ZipFile:
    return ZipFile(next(built.glob(f"{name.replace('-', '_')}-*.whl")))


def metadata(built: Path, name: str) -> Message:
    with wheel(built, name) as file:
        place = next(each for each in file.namelist() if each.endswith(".dist-info/METADATA"))
        return message_from_string(file.read(place).decode())


@pytest.mark.parametrize("name", PROJECTS)
def test_what_all_distributions_say_is_the_same(name: str) -> None:
    ours, first = project(name), project("froq-lightning")
    for field in ("version", "urls", "license", "license-files", "requires-python", "classifiers"):
        assert ours[field] == first[field], field
    assert (PROJECTS[name] / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


@pytest.mark.parametrize("name", [name for name in PROJECTS if name != "froq-lightning"])
def test_a_plugin_works_with_every_1_x_and_is_an_extra(name: str) -> None:
    assert "froq-lightning>=1.0,<2" in project(name)["dependencies"]
    extras = project("froq-lightning")["optional-dependencies"]
    (extra,) = (key for key, wanted in extras.items() if f"froq-{key}" == name and PLUGIN.fullmatch(wanted[0]))
    assert re.search(rf"[\[,]{extra}[\],]", " ".join(extras["all"]))


def test_the_extra_dlib_brings_the_photograph_of_the_quickstart() -> None:
    assert "froq-lightning[samples]" in project("froq-lightning")["optional-dependencies"]["dlib"]


@pytest.mark.slow
@pytest.mark.parametrize("name", PROJECTS)
def test_a_wheel_holds_what_git_knows_of_the_package_and_nothing_else(built: Path, name: str) -> None:
    with wheel(built, name) as file:
        names = set(file.namelist())
    inside = {each for each in names if ".dist-info/" not in each}
    assert inside == tracked(name)
    assert f"{name.replace('-', '_')}/py.typed" in inside
    assert {each.partition(".dist-info/")[2] for each in names - inside} == METADATA


@pytest.mark.slow
@pytest.mark.parametrize("name", PROJECTS)
def test_an_sdist_holds_the_package_and_what_builds_it(built: Path, name: str) -> None:
    with tarfile.open(next(built.glob(f"{name.replace('-', '_')}-*.tar.gz"))) as file:
        members = [member for member in file.getmembers() if not member.isdir()]
    assert all(member.isfile() for member in members)
    names = {member.name.split("/", 1)[1].removeprefix("src/") for member in members}
    assert {each for each in names if ".egg-info/" not in each} == tracked(name) | SOURCES


@pytest.mark.slow
@pytest.mark.parametrize("name", PROJECTS)
def test_what_an_index_shows_is_there(built: Path, name: str) -> None:
    shown = metadata(built, name)
    assert shown["Version"] == project(name)["version"]
    assert shown["License-Expression"] == "Apache-2.0"
    assert shown["Description-Content-Type"] == "text/markdown"
    assert len(shown.get_all("Project-URL", [])) == len(project(name)["urls"])
    if name != "froq-lightning":
        wanted = shown.get_all("Requires-Dist", [])
        assert any(re.fullmatch(r"froq-lightning(<2,>=1\.0|>=1\.0,<2)", each) for each in wanted)


@pytest.mark.slow
@pytest.mark.parametrize("name", PROJECTS)
def test_links_on_an_index_lead_somewhere(built: Path, name: str) -> None:
    page = metadata(built, name).get_payload()
    assert RELATIVE.findall(page) == []
    ours = re.findall(rf"\]\({re.escape(project(name)['urls']['Repository'])}/(?:blob|raw)/v([\d.]+)/([^)#]+)", page)
    assert {version for version, _ in ours} <= {project(name)["version"]}
    assert all((ROOT / path).exists() for _, path in ours)
    assert ours or name != "froq-lightning"
