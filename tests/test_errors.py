import pytest

from froq_lightning import errors
from froq_lightning.cli import main

FAMILY = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, errors.FroqError)]


@pytest.mark.parametrize("kind", FAMILY)
def test_a_message_is_bounded_and_keeps_its_start_and_end(kind: type[errors.FroqError]) -> None:
    message = str(kind(f"start {'x' * 10**6} end"))
    assert len(message) < 2_100
    assert message.startswith("start x")
    assert message.endswith("x end")
    assert str(kind("short")) == "short"


def test_a_message_does_not_speak_to_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "inspect", "no\x1b[31mwhere\x07"]) == 2
    message = capsys.readouterr().err
    assert r"no\x1b[31mwhere\x07" in message
    assert "\x1b" not in message
