"""Files are copied, moved and linked whole, nothing is overwritten or lost, and an interrupted run goes on."""

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from froq_lightning.errors import ConfigurationError
from froq_lightning.transfer import Action, Plan, plan_transfer

ACTIONS: tuple[Action, ...] = ("copy", "move", "link")
NAMES = ("ann/1.jpg", "bob/1.jpg", "two\nlines.jpg")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    for name in NAMES:
        (tmp_path / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "source" / name).write_bytes(name.encode())
    return tmp_path / "source"


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    """A folder on another file system than the temporary one."""
    if not Path("/dev/shm").is_dir():  # noqa: S108
        pytest.skip("needs a second file system")
    with TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)


def plan(action: Action, source: Path, to: Path) -> Plan:
    return plan_transfer(action, [(source / name, to / name) for name in NAMES])


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


EXPECTED = {name: name.encode() for name in NAMES}


@pytest.mark.parametrize("action", ACTIONS)
def test_files_keep_their_folders_and_doing_it_again_does_nothing(action: Action, source: Path, tmp_path: Path) -> None:
    to = tmp_path / "new" / "to"
    planned = plan(action, source, to)
    assert not to.exists()
    planned.carry_out()
    assert contents(to) == EXPECTED
    assert contents(source) == ({} if action == "move" else EXPECTED)
    assert all((to / name).is_symlink() == (action == "link") for name in NAMES)
    again = plan(action, source, to)
    assert (again.todo, again.done, again.missing) == ([], 3, [])
    assert [path for path in to.rglob("*") if path.is_file() and path.name.startswith(".")] == []


@pytest.mark.parametrize("action", ACTIONS)
def test_a_place_that_holds_something_else_is_refused_by_name_before_anything_is_touched(
    action: Action, source: Path, tmp_path: Path
) -> None:
    (tmp_path / "to" / "bob").mkdir(parents=True)
    for content in (b"", b"other"):
        (tmp_path / "to" / "bob" / "1.jpg").write_bytes(content)
        with pytest.raises(ConfigurationError, match=r"to/bob/1\.jpg' holds something else than .*nothing was touched"):
            plan(action, source, tmp_path / "to")
        assert contents(tmp_path / "to") == {"bob/1.jpg": content}
        assert contents(source) == EXPECTED


def test_a_file_that_appears_meanwhile_is_not_overwritten(source: Path, tmp_path: Path) -> None:
    for action in ACTIONS:
        to = tmp_path / action
        planned = plan(action, source, to)
        (to / "ann").mkdir(parents=True)
        (to / "ann" / "1.jpg").write_bytes(b"other")
        with pytest.raises(ConfigurationError, match=r"ann/1\.jpg"):
            planned.carry_out()
        assert contents(to) == {"ann/1.jpg": b"other"}
        assert contents(source) == EXPECTED


@pytest.mark.parametrize("link", [False, True])
def test_a_move_that_was_killed_before_the_old_name_went_is_finished(link: bool, source: Path, tmp_path: Path) -> None:
    (tmp_path / "to" / "ann").mkdir(parents=True)
    if link:  # killed after `os.link`
        os.link(source / NAMES[0], tmp_path / "to" / NAMES[0])
    else:  # killed after a copy to another file system
        (tmp_path / "to" / NAMES[0]).write_bytes(EXPECTED[NAMES[0]])
    planned = plan("move", source, tmp_path / "to")
    assert len(planned.todo) == 3
    planned.carry_out()
    assert (contents(source), contents(tmp_path / "to")) == ({}, EXPECTED)


def test_files_move_to_another_file_system(source: Path, elsewhere: Path) -> None:
    if source.stat().st_dev == elsewhere.stat().st_dev:
        pytest.skip("needs a second file system")
    (source / NAMES[0]).chmod(0o640)
    plan("move", source, elsewhere / "to").carry_out()
    assert (contents(source), contents(elsewhere / "to")) == ({}, EXPECTED)
    assert (elsewhere / "to" / NAMES[0]).stat().st_mode & 0o777 == 0o640


def test_a_folder_that_is_its_own_place_keeps_its_files(source: Path, tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to(source)
    for to in (source, tmp_path / "alias"):
        planned = plan("move", source, to)
        assert planned.done == 3
        planned.carry_out()
        assert contents(source) == EXPECTED


def test_a_link_to_a_file_is_no_reason_to_remove_it(source: Path, tmp_path: Path) -> None:
    plan("link", source, tmp_path / "to").carry_out()
    with pytest.raises(ConfigurationError, match=r"is a link, for which .* is not given up; nothing was touched"):
        plan("move", source, tmp_path / "to")
    assert contents(source) == EXPECTED


def test_of_a_link_the_content_moves(source: Path, tmp_path: Path) -> None:
    target = (source / NAMES[0]).rename(tmp_path / "target.jpg")
    (source / NAMES[0]).symlink_to("../../target.jpg")
    plan("move", source, tmp_path / "to").carry_out()
    assert contents(tmp_path / "to") == EXPECTED
    assert not (tmp_path / "to" / NAMES[0]).is_symlink()
    assert target.read_bytes() == EXPECTED[NAMES[0]]


@pytest.mark.parametrize("action", ACTIONS)
def test_missing_files_are_listed_and_the_others_are_done(action: Action, source: Path, tmp_path: Path) -> None:
    (source / NAMES[1]).unlink()
    planned = plan(action, source, tmp_path / "to")
    planned.carry_out()
    assert planned.missing == [source / NAMES[1]]
    assert contents(tmp_path / "to") == {name: EXPECTED[name] for name in (NAMES[0], NAMES[2])}


def test_two_files_for_one_place_and_a_place_below_a_file_are_refused(source: Path, tmp_path: Path) -> None:
    files = [source / name for name in NAMES[:2]]
    with pytest.raises(ConfigurationError, match=r"two images are to go to '.*x\.jpg'; nothing was touched"):
        plan_transfer("copy", [(file, tmp_path / "x.jpg") for file in files])
    (tmp_path / "to").write_text("a file")
    with pytest.raises(ConfigurationError, match=r"/to' is no folder, but '.*/to/ann/1\.jpg' is to lie in it"):
        plan("copy", source, tmp_path / "to")


def test_what_the_system_refuses_is_told_with_how_to_go_on(source: Path, tmp_path: Path) -> None:
    place = tmp_path / ("n" * 250) / NAMES[0]
    long = source / "ann" / ("x" * 250 + ".jpg")
    long.write_bytes(b"long")
    planned = plan_transfer("copy", [(source / NAMES[0], place), (long, tmp_path / "to" / long.name)])
    with pytest.raises(ConfigurationError, match=r"cannot copy .*: File name too long; the same command goes on"):
        planned.carry_out()
    assert place.read_bytes() == EXPECTED[NAMES[0]]
