"""The precisions that a network may run in: those in which weights and norms stay in float32."""

from typing import Literal, get_args

# As Lightning names them.
Precision = Literal["32-true", "bf16-mixed", "16-mixed"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
