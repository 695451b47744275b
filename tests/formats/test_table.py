from collections.abc import Iterator
from pathlib import Path

import pytest

from froq_lightning.formats.table import write_table


def test_a_csv_is_written_with_its_header_and_folder(tmp_path: Path) -> None:
    path = tmp_path / "deeper" / "table.csv"
    write_table(path, ["image", "reason"], [("a.jpg", 'he said "no", twice'), ("b\u00e9.jpg", "")])
    assert path.read_text(encoding="utf-8") == 'image,reason\na.jpg,"he said ""no"", twice"\nb\u00e9.jpg,\n'


def test_an_interrupted_csv_leaves_the_old_one_alone(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("old\n")

    def rows() -> Iterator[tuple[str]]:
        yield ("new",)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_table(path, ["column"], rows())
    assert path.read_text() == "old\n"
