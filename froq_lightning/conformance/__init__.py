"""What the tests of an extension call to know that it keeps its contract: a module for every kind."""

from froq_lightning.conformance.backbones import check_backbone, writes_into_input

__all__ = ["check_backbone", "writes_into_input"]
