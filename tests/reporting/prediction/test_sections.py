"""The sections of the page of `predict` keep the contract, whatever names the images have."""

from pathlib import Path

import pytest

from froq_lightning.conformance.sections import check_section
from froq_lightning.extensions import SECTIONS, discover, find
from froq_lightning.reporting.section import PredictionContext, Section

OURS = [name for name, extension in discover(SECTIONS).plugins.items() if extension.distribution == "froq-lightning"]
NAMES = [name for name in OURS if find(SECTIONS, name).load().page == "prediction"]


@pytest.mark.parametrize("name", NAMES)
def test_every_section_of_ours_keeps_the_contract(name: str, predicted: tuple[PredictionContext, Path]) -> None:
    section: Section = find(SECTIONS, name).load()
    assert check_section(section, predicted[0])
