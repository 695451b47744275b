"""Names of files are chosen by strangers: what stands for them is harmless, and tells them again."""

import csv
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from froq_lightning.formats.table import write_table
from froq_lightning.names import escape_cell, escape_name, is_below, resolve_name, unescape_name

FORMULA = set("=+-@\uff1d\uff0b\uff0d\uff20")
anything = st.characters(categories=None, exclude_categories=())
odd = st.one_of(
    st.sampled_from([*'\\\n\x1b\udcff\u202e=+@/;" ', "\\x1b", "\\u202e", "\\Uffffffff", "x1b"]),
    anything,
)
names = st.lists(odd, min_size=1, max_size=8).map("".join).filter(lambda name: not name.startswith("./"))


def is_harmless(text: str) -> bool:
    """Whether neither the cell nor what follows a semicolon in it begins as a formula, and nothing breaks a line."""
    first, *others = text.split(";")
    begins = (first.lstrip()[:1], *(other.lstrip(' "')[:1] for other in others))
    kinds = {unicodedata.category(char) for char in text}
    return not FORMULA & set(begins) and not kinds & {"Cc", "Cf", "Zl", "Zp", "Cs"}


@given(name=names)
@settings(max_examples=500)
def test_a_name_is_told_again_by_a_text_that_is_harmless(name: str) -> None:
    assert is_harmless(escape_name(name))
    assert unescape_name(escape_name(name)) == name
    escape_name(name).encode("utf-8")


@given(one=names, other=names)
@settings(max_examples=500)
def test_two_names_never_share_a_text(one: str, other: str) -> None:
    assert (escape_name(one) == escape_name(other)) == (one == other)


@pytest.mark.parametrize("name", ["a.png", "bärbel/Çelik 2.jpg", "李/1.jpg", r"D:\crops\a.png", "./a.png"])
def test_ordinary_names_stay_as_they_are(name: str) -> None:
    assert escape_name(name) == name


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("=cmd|'/c calc'!A1.png", "./=cmd|'/c calc'!A1.png"),
        ("-1.png", "./-1.png"),
        ("a\nb.png", r"a\x0ab.png"),
        (r"a\x0ab.png", r"a\\x0ab.png"),
        ("\x1b[31mred.png", r"\x1b[31mred.png"),
        ("gnp\u202e.exe.png", r"gnp\u202e.exe.png"),
        (b"caf\xe9.png".decode("utf-8", "surrogateescape"), r"caf\udce9.png"),
        ("\U000e0041.png", r"\U000e0041.png"),
        (" =1+1.png", "./ =1+1.png"),
        ("a;=1+1.png", r"a\x3b=1+1.png"),
        ('a; "@b.png', r'a\x3b "@b.png'),
    ],
)
def test_harmful_names_are_escaped(name: str, text: str) -> None:
    assert escape_name(name) == text
    assert unescape_name(text) == name


def test_a_list_may_name_a_file_by_its_text_or_by_its_name(tmp_path: Path) -> None:
    for name in ("a\nb.png", r"c\x0ad.png", "=e.png"):
        (tmp_path / name).touch()
    assert tmp_path / resolve_name(tmp_path, r"a\x0ab.png") == tmp_path / "a\nb.png"
    assert tmp_path / resolve_name(tmp_path, r"c\x0ad.png") == tmp_path / r"c\x0ad.png"
    assert tmp_path / resolve_name(tmp_path, r"c\\x0ad.png") == tmp_path / r"c\x0ad.png"
    assert (tmp_path / resolve_name(tmp_path, "./=e.png")).exists()


@pytest.mark.parametrize(
    ("path", "below"),
    [("a.png", True), ("a/../b.png", True), ("../a.png", False), ("a/../../b.png", False), ("/etc/passwd", False)],
)
@pytest.mark.parametrize("root", ["", ".", "..", "faces", "../faces"])
def test_a_path_stays_in_a_folder_or_leads_out(path: str, below: bool, root: str, tmp_path: Path) -> None:
    assert is_below(tmp_path / root, tmp_path / root / path) == below
    assert is_below(Path(root), Path(root) / path) == below
    assert is_below(Path(root), Path(root).absolute() / path) == below


@pytest.mark.parametrize("text", [r"\Uffffffff.png", r"\x00.png", r"\x41" * 300, "\\x41\0.png"])
def test_a_text_that_no_file_can_have_as_its_name_is_a_path_all_the_same(text: str, tmp_path: Path) -> None:
    assert tmp_path / resolve_name(tmp_path, text) == tmp_path / unescape_name(text)


@given(
    cells=st.lists(
        st.one_of(names, st.integers(), st.floats(allow_nan=False).map(repr)),
        min_size=1,
        max_size=4,
    )
)
@settings(max_examples=200)
def test_no_cell_of_a_table_is_run_and_numbers_stay_numbers(
    cells: list[object], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "cells.csv"
    path.unlink(missing_ok=True)
    write_table(path, ["first", *["other"] * len(cells)], [["first", *cells]])
    with path.open(encoding="utf-8", newline="") as file:
        (_, (_, *row)) = csv.reader(file)
    for cell, read in zip(cells, row, strict=True):
        try:
            assert float(str(cell)) == float(read)
        except ValueError:
            assert is_harmless(read)


def test_a_text_that_would_be_run_is_quoted() -> None:
    assert [escape_cell(text) for text in ("=1+1", "-1.5", "+inf", "-", " =a", "b;-c")] == [
        "'=1+1",
        "-1.5",
        "+inf",
        "'-",
        "' =a",
        r"b\x3b-c",
    ]
