"""Every Observer that ships with a plugin has its card beside it.

`python plugins/tests/test_observer_cards.py` writes them.
"""

from pathlib import Path

import pytest

from froq_lightning.calibration.observer import Observer
from froq_lightning.calibration.observer_card import card

PLUGINS = Path(__file__).parents[1]
OBSERVERS = sorted(PLUGINS.glob("froq-*/src/*/observers/*.json"))


def card_of(path: Path) -> str:
    """The card of an Observer whose backbone brings it, and its weights."""
    return card(Observer.load(path), None, takes_weights=False)


def test_there_are_observers() -> None:
    assert "dlib_resnet29" in {path.stem for path in OBSERVERS}


@pytest.mark.parametrize("path", OBSERVERS, ids=lambda path: path.stem)
def test_the_card_of_an_observer_is_current(path: Path) -> None:
    assert path.with_suffix(".md").read_text(encoding="utf-8") == card_of(path)


if __name__ == "__main__":
    for each in OBSERVERS:
        each.with_suffix(".md").write_text(card_of(each), encoding="utf-8")
