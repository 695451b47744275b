"""Selection rules by the names that `--model.preset` gives them, found by entry point."""

from froq_lightning.calibration.rules.rule import Rule
from froq_lightning.errors import ExtensionError, UnknownNameError
from froq_lightning.extensions import RULES, discover, find

AUTO = "auto"


def create_rule(name: str) -> Rule:
    """Build a registered rule.

    Raises:
        UnknownNameError: if there is none of that name; the text gives the nearest.
        ExtensionError: if it cannot be imported, or is no `Rule`.
    """
    try:
        extension = find(RULES, name)
    except UnknownNameError:
        raise UnknownNameError.among("preset", name, (AUTO, *discover(RULES).plugins)) from None
    rule = extension.create()
    if not isinstance(rule, Rule):
        raise ExtensionError(f"Expected {name!r} of {extension.distribution} to make a Rule, but got {rule!r:.60}")
    return rule


def require_preset(name: str) -> None:
    """Refuse a preset that is neither `auto` nor the name of a usable rule; raises as `create_rule`."""
    if name != AUTO:
        create_rule(name)


def resolve_preset(name: str, *, compared: bool) -> str:
    """Return the rule that a preset stands for: `auto` depends on the labels.

    Labels that come from comparing images measure what recognition needs, and are worth fitting closely. Others also
    measure something else: with those, the fewer layers of a greedy search are right on more networks.

    Args:
        name: of the preset.
        compared: whether the labels come from comparing images.
    """
    return name if name != AUTO else "ridge" if compared else "distinct"
