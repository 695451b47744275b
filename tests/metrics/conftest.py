from two_processes import in_two_processes

__all__ = ["in_two_processes"]
