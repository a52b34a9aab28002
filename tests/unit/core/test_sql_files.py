"""Named statements in SQL files."""

import pytest

from apps.core.database.parameters import NumberedStatement
from apps.core.database.statements import load_statements

pytestmark = pytest.mark.unit


def test_statements_are_loaded_by_name(tmp_path):
    path = tmp_path / "some.sql"
    path.write_text("-- a comment at the top\n-- name: one\nSELECT 1;\n-- why\n\n-- name: two\nSELECT\n  2\n")
    assert load_statements(path) == {"one": "SELECT 1;\n-- why", "two": "SELECT\n  2"}


def test_file_without_names_has_no_statements(tmp_path):
    path = tmp_path / "some.sql"
    path.write_text("SELECT 1")
    assert load_statements(path) == {}


def test_missing_file_raises(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_statements(tmp_path / "none.sql")


def test_names_are_numbered_by_first_occurrence():
    statement = NumberedStatement.of("SELECT %(b)s, %(a)s::int WHERE %(b)s > 0")
    assert statement.sql == "SELECT $1, $2::int WHERE $1 > 0"
    assert statement.bind({"a": 1, "b": 2, "c": 3}) == (statement.sql, [2, 1])


def test_missing_value_raises():
    with pytest.raises(KeyError):
        NumberedStatement.of("SELECT %(a)s").bind({})
