"""How `froq select` fills a folder: only with --yes, over nothing, and to the end."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from froq_lightning.conformance.formats import EMBEDDINGS, KnownResults
from froq_lightning.formats.format import find_format, write_file
from froq_lightning.names import escape_name
from froq_lightning.runs.quality_batch import OK, ScoredRow

Select = Callable[..., str]


def files(folder: str) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in Path(folder).rglob("*") if path.is_file()}


BEST = ("--best-per-subject=1", "--source=photos", "--to=best/")


@pytest.mark.parametrize("action", ["copy", "move", "link"])
def test_nothing_is_touched_before_yes_and_the_same_command_goes_on(action: str, select: Select) -> None:
    before = files("photos")
    assert f"would {action} 2 images to best/; nothing is touched without --yes" in select(*BEST, "--action", action)
    assert not Path("best").exists()
    select(*BEST, "--action", action, "--yes")
    assert files("best") == {name: name for name in ("ann/2.jpg", "bob/1.jpg")}
    left = {name for name in before if action != "move" or name not in files("best")}
    assert set(files("photos")) == left
    assert "0 images to best/; 2 are there already" in select(*BEST, "--action", action, "--yes")
    assert set(files("photos")) == left


def test_missing_images_are_listed_the_others_done_and_a_wrong_source_is_refused(
    select: Select, refused: Callable[..., str]
) -> None:
    Path("photos/bob/1.jpg").unlink()
    for options in ((), ("--yes",)):
        text = select(*BEST, *options, status=1)
        assert "froq: 1 of the selected images are missing: photos/bob/1.jpg" in text
    assert files("best") == {"ann/2.jpg": "ann/2.jpg"}
    line = refused("select", "scores.csv", "--best-per-subject=1", "--source=best/ann", "--to=other", "--yes")
    assert line.startswith("none of the 2 images is in 'best/ann', such as 'best/ann/ann/2.jpg'; give")
    assert not Path("other").exists()


def test_a_file_with_other_content_is_refused_by_name(select: Select, refused: Callable[..., str]) -> None:
    select(*BEST, "--yes")
    Path("best/bob/1.jpg").write_text("mine")
    Path("best/ann/2.jpg").unlink()
    assert "'best/bob/1.jpg' holds something else than 'photos/bob/1.jpg'" in refused(
        "select", "scores.csv", *BEST, "--yes"
    )
    assert files("best") == {"bob/1.jpg": "mine"}


def test_odd_names_are_found_again_and_none_leaves_the_folder(
    place: Path, select: Select, refused: Callable[..., str]
) -> None:
    names = (
        "=x/two\nlines.jpg",
        r"back\slash.jpg",
        r"looks\x0alike.jpg",
        "-2.jpg",
        "caf\u00e9.jpg",
        os.fsdecode(b"caf\xe9.jpg"),
    )
    rows = [ScoredRow(number, escape_name(name), 1.0, 50, OK, "") for number, name in enumerate(names)]
    write_file(find_format(Path("a.csv"), "scores"), place / "odd.csv", KnownResults(rows, EMBEDDINGS))
    for name in names:
        (place / "photos" / name).parent.mkdir(exist_ok=True)
        (place / "photos" / name).write_bytes(os.fsencode(name))
    select("--worst=9", "--source=photos", "--to=odd", "--yes", scores="odd.csv")
    found = {str(path.relative_to("odd")): path.read_bytes() for path in Path("odd").rglob("*.jpg")}
    assert found == {name: os.fsencode(name) for name in names}
    (place / "out.csv").write_text("image,quality_score,quality,status,reason\n../scores.csv,1,50,ok,\n")
    line = refused("select", "out.csv", "--worst=9", "--source=photos", "--to=odd", "--yes")
    assert line.startswith("'../scores.csv' lies outside of 'photos', and so has no place in 'odd'")


@pytest.mark.slow
def test_an_interrupted_move_goes_on_and_every_image_is_in_one_place(place: Path, select: Select) -> None:
    names = [f"a/{number}.jpg" for number in range(3000)]
    (place / "many" / "a").mkdir(parents=True)
    for name in names:
        (place / "many" / name).write_text(name)
    rows = [ScoredRow(number, name, 1.0, 50, OK, "") for number, name in enumerate(names)]
    write_file(find_format(Path("a.csv"), "scores"), place / "many.csv", KnownResults(rows, EMBEDDINGS))
    options = ("--min-quality=1", "--source=many", "--to=new", "--action=move", "--yes")
    run = subprocess.Popen(
        [sys.executable, "-m", "froq_lightning", "select", "many.csv", *options], stderr=subprocess.PIPE, text=True
    )
    while not (place / "new" / "a" / "99.jpg").exists():
        assert run.poll() is None
        time.sleep(0.001)
    run.send_signal(signal.SIGINT)
    error = run.communicate()[1]
    assert (run.returncode, error) == (130, "\nfroq: interrupted; the same command goes on with what is done\n")
    done = len(files("new"))
    assert 0 < done < 3000
    assert {**files("many"), **files("new")} == {name: name for name in names}
    assert "are there already" in select(*options, scores="many.csv")
    assert (files("many"), files("new")) == ({}, {name: name for name in names})
