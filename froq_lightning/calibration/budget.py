"""Limits to the cost of the observed layers. A pass for quality alone ends behind the deepest of them."""

from dataclasses import dataclass

from froq_lightning.errors import ConfigurationError


@dataclass(frozen=True)
class Budget:
    """Limits to the cost of a set of layers: the share of a forward pass that reaching its deepest layer takes.

    Without limits the set is that of the rule of selection. Otherwise it is chosen from what the rule finds among the
    layers up to every depth: of the sets within `max_cost`, the cheapest one whose set utility is within `tolerance` of
    the best. Costs are times, taken in the run: near a limit, another run may choose another set.

    Args:
        max_cost: the most that a set may cost, above 0 to 1; 1 leaves every layer.
        tolerance: set utility (Spearman's rho) that may be given up for a cheaper set.
    """

    max_cost: float = 1.0
    tolerance: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.max_cost <= 1:
            raise ConfigurationError(
                f"Expected `max_cost` to be a share of a pass, above 0 and at most 1, but got {self.max_cost}"
            )
        if not 0 <= self.tolerance <= 2:
            raise ConfigurationError(f"Expected `tolerance` to be in 0..2, but got {self.tolerance}")
