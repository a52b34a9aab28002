"""The first accounts of a new installation; in production there are none."""

from typing import Any

import pytest
from django.core.management import call_command
from pytest_django.fixtures import Settings

from apps.api_keys.models import ApiKey
from apps.mail.models import OutgoingMail
from apps.users.models import User
from config.management.commands import serve
from config.serving import preparation


class PreparedError(Exception):
    """Raised so that nothing is served."""


@pytest.mark.parametrize(("name", "has_accounts"), [("production", False), ("development", True)])
def test_first_accounts_are_created_in_development_only(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, name: str, has_accounts: bool
):
    options_of_calls: list[Any] = []

    def prepare(**options: bool) -> None:
        options_of_calls.append(options["with_first_accounts"])
        raise PreparedError

    monkeypatch.setattr(serve, "prepare", prepare)
    settings.ENVIRONMENT = settings.ENVIRONMENT.model_copy(update={"environment": name})
    with pytest.raises(PreparedError):
        call_command("serve", host="127.0.0.1", port=0)
    assert options_of_calls == [has_accounts]


class BrokenSupervisor:
    """A server whose workers end at their start."""

    def __init__(self, *_arguments: Any) -> None: ...

    def run(self, _begin: Any) -> None:
        raise SystemExit(1)


@pytest.mark.parametrize("is_first", [True, False])
def test_secrets_are_printed_when_the_server_fails_to_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], is_first: bool
):
    secrets = preparation.FirstSecrets("the password", "the key") if is_first else None
    monkeypatch.setattr(serve, "prepare", lambda **_options: secrets)
    monkeypatch.setattr(serve, "Supervisor", BrokenSupervisor)
    with pytest.raises(SystemExit):
        call_command("serve", host="127.0.0.1", port=0)
    shown = capsys.readouterr().out
    assert [shown.count(word) for word in ("the password", "the key")] == [int(is_first)] * 2
    assert "Keyhouse is running" not in shown


@pytest.mark.usefixtures("database")
def test_first_accounts_are_created_once_with_a_random_password():
    first = preparation.create_first_accounts()
    assert first is not None
    assert len(first.password) == 20  # 120 bits in base64
    assert User.objects.get().check_password(first.password)
    assert preparation.create_first_accounts() is None


@pytest.mark.usefixtures("database")
def test_first_accounts_send_no_message():
    assert preparation.create_first_accounts()
    assert (ApiKey.objects.count(), OutgoingMail.objects.count()) == (1, 0)
