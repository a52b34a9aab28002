"""Commands report what only the operator can mend in one line, without a traceback."""

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError
from psycopg_pool import PoolTimeout

from apps.core.management.commands import migrate
from apps.plans.management.commands.list_plans import Command as ListPlans

pytestmark = pytest.mark.usefixtures("database")

CREATE_SUPERUSER = ("createsuperuser", "--noinput", "--username", "x", "--email")


def _raising(error: Exception):
    def run(*_args: object, **_options: object) -> None:
        raise error

    return run


@pytest.mark.parametrize("error", [PoolTimeout(), psycopg.OperationalError("gone"), OperationalError("gone")])
def test_unavailable_database(monkeypatch: pytest.MonkeyPatch, error: Exception):
    monkeypatch.setattr(ListPlans, "run", _raising(error))
    with pytest.raises(CommandError, match=r"^The database is unavailable"):
        call_command("list_plans")


def test_unavailable_database_of_djangos_own_commands(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(migrate.Command, "handle", _raising(OperationalError("gone")))
    with pytest.raises(CommandError, match=r"^The database is unavailable"):
        call_command("migrate")


def test_database_that_is_not_migrated(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ListPlans, "run", _raising(psycopg.errors.UndefinedTable("plans")))
    with pytest.raises(CommandError, match=r"manage\.py migrate"):
        call_command("list_plans")


def test_other_errors_keep_their_traceback(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ListPlans, "run", _raising(ZeroDivisionError()))
    with pytest.raises(ZeroDivisionError):
        call_command("list_plans")


@pytest.mark.parametrize(
    "arguments",
    [
        ("grant_credits", "\udcff", "5"),
        ("set_roles", "ann@example.com", "service", "\udcff"),
        ("changepassword", "\udcff"),
        (*CREATE_SUPERUSER, "\udcff@example.com"),
    ],
)
def test_arguments_that_are_not_utf8(arguments: tuple[str, ...]):
    with pytest.raises(CommandError, match="is not valid UTF-8"):
        call_command(*arguments)


def test_input_that_ends_before_the_password(monkeypatch: pytest.MonkeyPatch):
    call_command(*CREATE_SUPERUSER, "ann@example.com")
    monkeypatch.setattr("getpass.getpass", _raising(EOFError()))
    with pytest.raises(CommandError, match="The input ended"):
        call_command("changepassword", "ann@example.com")
