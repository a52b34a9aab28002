"""What a new installation begins with: in production with nobody."""

import multiprocessing
from typing import Any

import pytest
from django.core.management import call_command
from pytest_django.fixtures import Settings

from apps.users.models import User
from config.management.commands import serve
from config.serving import first_run


class PreparedError(Exception):
    """Nothing is served in this test."""


@pytest.mark.parametrize(("name", "has_accounts"), [("production", False), ("development", True)])
def test_only_development_begins_with_an_account(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, name: str, has_accounts: bool
):
    asked: list[Any] = []

    def prepare(**options: bool) -> None:
        asked.append(options["with_first_accounts"])
        raise PreparedError

    monkeypatch.setattr(serve, "prepare", prepare)
    settings.ENVIRONMENT = settings.ENVIRONMENT.model_copy(update={"environment": name})
    with pytest.raises(PreparedError):
        call_command("serve", host="127.0.0.1", port=0)
    assert asked == [has_accounts]


class BrokenServer:
    """Its workers die at their start."""

    def on_startup(self, _begin: Any) -> None: ...

    def serve(self, **_options: Any) -> None:
        raise SystemExit(1)


@pytest.mark.parametrize("is_first", [True, False])
def test_a_server_that_never_serves_shows_them_in_the_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], is_first: bool
):
    secrets = first_run.FirstSecrets("the password", "the key") if is_first else None
    monkeypatch.setattr(serve, "prepare", lambda **_options: secrets)
    monkeypatch.setattr(serve, "_server", lambda *_options: BrokenServer())
    monkeypatch.setattr(multiprocessing, "set_start_method", lambda *_arguments, **_options: None)
    with pytest.raises(SystemExit):
        call_command("serve", host="127.0.0.1", port=0)
    shown = capsys.readouterr().out
    assert [shown.count(word) for word in ("the password", "the key")] == [int(is_first)] * 2
    assert "Keyhouse serves" not in shown


@pytest.mark.usefixtures("database")
def test_its_password_is_random_and_made_once():
    first = first_run.create_first_accounts()
    assert first is not None
    assert len(first.password) == 20  # 120 bits in base64
    assert User.objects.get().check_password(first.password)
    assert first_run.create_first_accounts() is None
