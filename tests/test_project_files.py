"""The files about the project: citation, changelog and workflows agree with the version and with each other."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
KINDS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def read_yaml(path: Path) -> dict:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_the_citation_is_of_this_version_and_of_the_paper() -> None:
    citation = read_yaml(ROOT / "CITATION.cff")
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()
    assert (citation["version"], citation["license"]) == (PROJECT["version"], PROJECT["license"])
    assert (citation["repository-code"], citation["url"]) == tuple(PROJECT["urls"].values())[:2]
    paper = citation["preferred-citation"]
    names = [author["family-names"] for author in paper["authors"]]
    assert f"{', '.join(names)}, IJCB {paper['year']}" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_changelog_begins_with_what_is_to_come_and_then_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.*)$", text, flags=re.MULTILINE)
    assert headings[0] == "[Unreleased]"
    assert re.fullmatch(rf"\[{re.escape(PROJECT['version'])}\] - \d{{4}}-\d\d-\d\d", headings[1])
    assert set(re.findall(r"^### (.*)$", text, flags=re.MULTILINE)) <= KINDS
    linked = set(re.findall(r"^\[(.*?)\]: https://", text, flags=re.MULTILINE))
    assert linked == {heading[1:].partition("]")[0] for heading in headings}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_may_only_read_unless_a_job_says_more(path: Path) -> None:
    workflow = read_yaml(path)
    assert workflow["permissions"] == {"contents": "read"}
    more = {name: job["permissions"] for name, job in workflow["jobs"].items() if "permissions" in job}
    allowed = {
        "release": {"publish": {"id-token": "write"}},
        "docs": {"deploy": {"pages": "write", "id-token": "write"}},
    }
    assert more == allowed.get(path.stem, {})


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_calls_what_there_is(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for used in re.findall(r"uses: (\S+)", text):
        if used.startswith("./"):
            assert (ROOT / used).is_file()
        else:
            assert re.fullmatch(r"[\w/-]+@(v\d+|release/v\d+)", used), used
    assert all((ROOT / script).is_file() for script in re.findall(r"run: (\.ci/\w+)", text))
    extras = re.findall(r"'\.\[([\w,]+)\]'", text)
    assert {extra for each in extras for extra in each.split(",")} <= {*PROJECT["optional-dependencies"], "docs"}


def test_nothing_is_published_that_was_not_tried() -> None:
    jobs = read_yaml(ROOT / ".github" / "workflows" / "release.yml")["jobs"]
    tried = read_yaml(ROOT / ".github" / "workflows" / "wheels.yml")["jobs"]["try"]
    assert jobs["publish"]["needs"] == "wheels"
    assert jobs["wheels"]["uses"] == "./.github/workflows/wheels.yml"
    pythons = {line.rpartition(" ")[2] for line in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", line)}
    assert {*pythons, f"{min(pythons)} lowest"} == set(tried["strategy"]["matrix"]["versions"])


@pytest.mark.parametrize("name", ["backbone", "bug", "feature"])
def test_a_form_for_issues_has_what_a_form_needs(name: str) -> None:
    form = read_yaml(ROOT / ".github" / "ISSUE_TEMPLATE" / f"{name}.yml")
    assert form.keys() >= {"name", "description", "body"}
    fields = [field for field in form["body"] if field["type"] != "markdown"]
    assert {field["type"] for field in fields} <= {"input", "textarea"}
    assert len({field["id"] for field in fields}) == len(fields)
    assert all(field["attributes"]["label"] for field in fields)
