"""Checks of the contracts of extensions, for the tests of whoever writes one."""

from froq_lightning.conformance.backbones import check_backbone, writes_into_input
from froq_lightning.conformance.methods import check_method
from froq_lightning.conformance.rules import check_rule

__all__ = ["check_backbone", "check_method", "check_rule", "writes_into_input"]
