"""A folder of names that strangers chose: a row for every file, harmless in every output, and readable again."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from froq_lightning.cli import main
from froq_lightning.errors import DataError
from froq_lightning.names import unescape_name
from froq_lightning.sources.source import read_faces

Rows = list[dict[str, str]]
NAMES = (
    "plain.jpg",
    "=cmd|'calc'!A1.jpg",
    "+1.jpg",
    "-2.jpg",
    "@x.jpg",
    "two\nlines.jpg",
    "tab\there.jpg",
    "\x1b[31mred.jpg",
    '"><img src=x onerror=alert(1)>.jpg',
    "{{7*7}}.jpg",
    "turned\u202egpj.jpg",
    r"back\slash.jpg",
    r"looks\x0alike.jpg",
    ";=next cell.jpg",
    " =behind a space.jpg",
    os.fsdecode(b"caf\xe9.jpg"),
)


@pytest.fixture
def odd(shared: Path, tmp_path: Path) -> Path:
    """Faces under odd names, one of them in a sub-folder, beside loops and what is no image."""
    folder = tmp_path / "odd"
    (folder / "=sub").mkdir(parents=True)
    images = sorted((shared / "data" / "faces").glob("*/*.jpg"))
    for name, image in zip(NAMES, images, strict=False):
        (folder / name).symlink_to(image)
    (folder / "=sub" / "a.jpg").symlink_to(images[-1])
    (folder / "=sub" / "up").symlink_to(folder)
    (folder / "loop.jpg").symlink_to("loop.jpg")
    (folder / "folder.jpg").mkdir()
    os.mkfifo(folder / "pipe.jpg")
    return folder


@pytest.fixture
def dig(tmp_path: Path) -> Iterator[Callable[[str, int], Path]]:
    """Makes folders in each other with an image in the deepest; they are removed by what needs no stack for it."""
    top = tmp_path / "top"

    def dug(name: str, depth: int) -> Path:
        top.mkdir()
        here = os.open(top, os.O_RDONLY)
        for _ in range(depth):
            os.mkdir(name, dir_fd=here)
            below = os.open(name, os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = below
        os.close(os.open("a.jpg", os.O_CREAT | os.O_WRONLY, dir_fd=here))
        os.close(here)
        return top

    yield dug
    subprocess.run(["rm", "-rf", str(top)], check=True)


def test_every_file_has_a_harmless_row_that_tells_its_name(
    odd: Path, predict: Callable[..., Rows], tmp_path: Path
) -> None:
    rows = predict(odd, tmp_path / "scores.csv")
    found = {unescape_name(row["image"]): row for row in rows}
    assert set(found) == {*NAMES, "=sub/a.jpg", "loop.jpg", "pipe.jpg"}
    assert {name for name, row in found.items() if row["status"] == "failed"} == {"loop.jpg", "pipe.jpg"}
    text = (tmp_path / "scores.csv").read_bytes()
    assert text.count(b"\n") == len(rows) + 1
    assert not any(byte < 32 and byte != 10 for byte in text)
    for row in rows:
        assert row["image"].lstrip()[0] not in "=+-@"
        assert ";=" not in row["image"]
    table = pytest.importorskip("pyarrow.csv").read_csv(tmp_path / "scores.csv")
    assert table.column("image").to_pylist() == [row["image"] for row in rows]


def test_scores_can_be_given_as_a_list_of_the_same_images(
    odd: Path, predict: Callable[..., Rows], tmp_path: Path
) -> None:
    rows = predict(odd, tmp_path / "scores.csv")
    again = predict(tmp_path / "scores.csv", tmp_path / "again.csv", f"--data.root={odd}")
    assert [row["image"] for row in again] == [row["image"] for row in rows]
    assert [row["quality_score"] for row in again] == [row["quality_score"] for row in rows]


def test_a_calibration_can_be_repeated_with_the_images_and_labels_that_it_wrote(
    odd: Path, network: tuple[str, ...], rows: Callable[[Path], Rows], tmp_path: Path
) -> None:
    first, sources = tmp_path / "first.images.csv", (odd, tmp_path / "first.images.csv")
    validate = ["validate", *network, "--report=false", "--model.labeller={noise: 0, occlusion: 2}"]
    assert main([*validate, f"--data.source={odd}", f"--output={tmp_path / 'first.json'}"]) == 0
    for source in sources:
        places = [f"--data.source={source}", f"--data.labels={first}", f"--output={tmp_path / 'again.json'}"]
        assert main([*validate, *places, *([f"--data.root={odd}"] if source == first else [])]) == 0
        again = rows(tmp_path / "again.images.csv")
        assert [(row["image"], row["pseudo_quality"], row["status"]) for row in again] == [
            (row["image"], row["pseudo_quality"], row["status"]) for row in rows(first)
        ]


def test_paths_that_lead_out_of_the_root_are_rows_with_a_reason(
    odd: Path, predict: Callable[..., Rows], tmp_path: Path
) -> None:
    (tmp_path / "list.csv").write_text(
        f"path\nplain.jpg\n../odd/plain.jpg\n../../secret.jpg\n{odd / '+1.jpg'}\n/etc/x.jpg\n"
    )
    rows = predict(tmp_path / "list.csv", tmp_path / "scores.csv", f"--data.root={odd}")
    assert [row["status"] for row in rows] == ["ok", "ok", "failed", "ok", "failed"]
    assert all("lies outside of" in row["reason"] for row in rows if row["status"] == "failed")


def test_a_folder_that_cannot_be_listed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "locked").mkdir()
    (tmp_path / "a.jpg").touch()
    scandir = os.scandir

    def refuse(path: str) -> object:
        if Path(path).name == "locked":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(DataError, match="locked' cannot be listed: Permission denied"):
        read_faces(tmp_path)


@pytest.mark.parametrize(("name", "depth"), [("d", 1_200), ("d" * 200, 15)])
def test_very_deep_folders_are_searched_to_their_end(name: str, depth: int, dig: Callable[..., Path]) -> None:
    (record,) = read_faces(dig(name, depth)).images
    assert record.key == f"{name}/" * depth + "a.jpg"


def test_folders_deeper_than_any_path_reaches_are_told(dig: Callable[..., Path]) -> None:
    with pytest.raises(DataError, match="cannot be listed: File name too long"):
        read_faces(dig("d" * 200, 25))
