"""Constraint violations, by the name of the constraint."""

import psycopg


class ConstraintViolated(Exception):
    """A write violated a constraint, named by `constraint`. The message contains no value of the row."""

    def __init__(self, constraint: str) -> None:
        super().__init__(f"the constraint {constraint} was violated")
        self.constraint = constraint


def named_violation(error: psycopg.Error) -> Exception:
    """Return ConstraintViolated for the violation of a named constraint, and any other error unchanged."""
    name = error.diag.constraint_name
    return ConstraintViolated(name) if isinstance(error, psycopg.IntegrityError) and name else error
