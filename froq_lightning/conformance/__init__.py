"""Checks that extensions keep their contracts, to be called by their own tests. Nothing here needs pytest.

A check returns nothing if the contract holds, and else raises an error that says what was expected and what came::

    @pytest.mark.parametrize("check", backbone_checks(), ids=lambda check: check.__name__)
    def test_mynet_is_a_backbone(check):
        check(mynet())

    @pytest.mark.parametrize("check", backbone_factory_checks(), ids=lambda check: check.__name__)
    def test_mynet_takes_weights(check):
        check(mynet)
"""

from froq_lightning.conformance.backbone_factories import backbone_factory_checks, check_backbone_factory
from froq_lightning.conformance.backbones import backbone_checks, check_backbone, writes_into_input
from froq_lightning.conformance.channel_order import check_channel_order_on_faces, check_published_input
from froq_lightning.conformance.formats import check_format
from froq_lightning.conformance.methods import check_method, check_set_labeller
from froq_lightning.conformance.rules import check_rule
from froq_lightning.conformance.sections import check_section
from froq_lightning.conformance.sources import check_source

__all__ = [
    "backbone_checks",
    "backbone_factory_checks",
    "check_backbone",
    "check_backbone_factory",
    "check_channel_order_on_faces",
    "check_format",
    "check_method",
    "check_published_input",
    "check_rule",
    "check_section",
    "check_set_labeller",
    "check_source",
    "writes_into_input",
]
