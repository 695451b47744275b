"""PASSING OVER the data: what a verb of the Trainer gathers batch by batch, and what it makes of it at the end."""
