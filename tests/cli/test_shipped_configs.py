"""Names of configurations, and the usual one."""

import pytest

from froq_lightning.cli import main


def test_a_configuration_that_there_is_not_is_told_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "a/", "--config", "predct"]) == 2
    assert "unknown configuration 'predct'; nearest: predict" in capsys.readouterr().err


@pytest.mark.parametrize("quiet", ["--quiet", "--quiet=true", "--quiet True"])
def test_quiet_says_nothing_of_the_usual_network(quiet: str, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("froq_dlib", reason="needs the plugin froq-dlib")
    with pytest.raises(SystemExit):
        main(["predict", "photos/", *quiet.split(), "--print_config"])
    assert not capsys.readouterr().err
