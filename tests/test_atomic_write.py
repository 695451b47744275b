from pathlib import Path

import pytest

from froq_lightning.atomic_write import atomic_write, require_replaceable, signature
from froq_lightning.errors import ConfigurationError

OWN = signature(rb"ours\n.*end")


def test_a_file_appears_whole_and_an_interruption_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "deeper" / "file"
    with atomic_write(path, OWN) as place:
        place.write_text("ours\nend")
        assert not path.exists()
    with pytest.raises(ZeroDivisionError), atomic_write(path, OWN) as place:
        place.write_bytes(bytes(1 // 0))
    assert path.read_text() == "ours\nend"
    assert list(path.parent.iterdir()) == [path]


def test_a_file_that_came_during_the_run_stays(tmp_path: Path) -> None:
    path = tmp_path / "file"
    message = "holds something that this command did not write"
    with pytest.raises(ConfigurationError, match=message), atomic_write(path, OWN) as place:
        [file.write_text(text) for file, text in ((place, "ours\nend"), (path, "theirs"))]
    assert path.read_text() == "theirs"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_in_the_place_beside_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_text("theirs")
    (tmp_path / ".file.froq-new").symlink_to("theirs")
    with atomic_write(tmp_path / "file", OWN) as place:
        place.write_text("ours\nend")
    assert (tmp_path / "theirs").read_text() == "theirs"
    assert not (tmp_path / "file").is_symlink()


@pytest.mark.parametrize("size", [0, 5, 4096, 100_000])
def test_a_file_is_known_by_its_two_ends(size: int, tmp_path: Path) -> None:
    (tmp_path / "own").write_bytes(b"ours\n" + bytes(size) + b"end")
    (tmp_path / "other").write_bytes(b"ours\n" + bytes(size))
    require_replaceable(tmp_path / "own", OWN)
    with pytest.raises(ConfigurationError, match="move it, or give another output"):
        require_replaceable(tmp_path / "other", OWN)


def test_a_folder_and_a_loop_of_links_are_told(tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to("one")
    with pytest.raises(ConfigurationError, match="is a folder"):
        require_replaceable(tmp_path, OWN)
    with pytest.raises(ConfigurationError, match="cannot be looked at: "):
        require_replaceable(tmp_path / "one", OWN)
