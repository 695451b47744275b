import sys

import pytest

from froq_lightning.errors import ConfigurationError
from froq_lightning.reporting import CalibrationReport, EvaluationReport
from froq_lightning.reporting.report import Report

REPORTS = [CalibrationReport, EvaluationReport]


@pytest.mark.parametrize("report", REPORTS)
def test_without_matplotlib_the_extra_is_named_before_the_run(
    report: type[Report], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ConfigurationError, match=r"Expected matplotlib.*froq-lightning\[report\].*--report=false"):
        report("report.html")


@pytest.mark.parametrize("report", REPORTS)
def test_a_negative_number_of_faces_is_refused(report: type[Report]) -> None:
    with pytest.raises(ConfigurationError, match="Expected `faces` to be at least 0, but got -1"):
        report("report.html", faces=-1)
