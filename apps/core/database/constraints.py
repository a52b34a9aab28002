"""Constraints that refuse a write, by their names."""

import psycopg


class ConstraintViolated(Exception):
    """The database refused a write. `constraint` is the constraint's name; the message holds no value of the row."""

    def __init__(self, constraint: str) -> None:
        super().__init__(f"the constraint {constraint} was violated")
        self.constraint = constraint


def named_violation(error: psycopg.Error) -> Exception:
    """Return ConstraintViolated for a constraint that has a name, and every other error as it is."""
    name = error.diag.constraint_name
    return ConstraintViolated(name) if isinstance(error, psycopg.IntegrityError) and name else error
