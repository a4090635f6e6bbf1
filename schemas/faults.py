"""Faults: input that cannot be read as what it claims to be.

Here: the fault itself. Not here: findings; a difference in the books is a row, never a fault.
"""


class InputError(Exception):
    """Bad input. The message names the place (file, line or row, column), the value, and what to do."""
