"""Sections of the reports, one a file, with its chart and its part of the page (`froq_lightning.sections`)."""
