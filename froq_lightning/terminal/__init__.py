"""What a terminal shows: tables, lines and progress, or one JSON object in their place.

Nothing else in the package prints, but errors and what `froq --help` says.
"""

from froq_lightning.terminal.console import complain, show, tell, wrote
from froq_lightning.terminal.table import Kind, Line, Part, Table, printable, text_table

__all__ = ["Kind", "Line", "Part", "Table", "complain", "printable", "show", "tell", "text_table", "wrote"]
