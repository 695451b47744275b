"""Pictures of what a run found."""

from froq_lightning.reporting.contact_sheet import ContactSheet

__all__ = ["ContactSheet"]
