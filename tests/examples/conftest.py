"""Photographs for the examples."""

from pathlib import Path

import pytest

pytest.importorskip("froq_dlib", reason="needs the plugin froq-dlib")


@pytest.fixture(scope="session")
def photographs(shared: Path) -> list[Path]:
    """Four photographs each of three subjects."""
    names = ("Yao_Ming", "Winona_Ryder", "Vladimir_Putin")
    return [path for name in names for path in sorted((shared / "data" / "photos" / name).iterdir())[:4]]
