"""`create_api_key`, `list_api_keys`, `rotate_api_key`, `revoke_api_key`, `verify_api_key`."""

import io
import json
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from apps.api_keys.models import ApiKey, ApiKeySecret
from apps.api_keys.services.key_format import visible_prefix
from apps.audit.models import AuditEvent
from apps.core.management import service_command
from apps.usage.models import UsageRecord
from apps.users.models import Role
from tests.support.factories import make_key, make_user

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Send a line to the standard input of the next command."""

    def send(line: str) -> None:
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{line}\n"))

    return send


def run(command: str, *arguments: str) -> str:
    out = io.StringIO()
    call_command(command, *arguments, stdout=out)
    return out.getvalue()


def run_json(command: str, *arguments: str) -> Any:
    return json.loads(run(command, *arguments, "--json"))


def test_create_prints_the_key_as_json():
    user = make_user()
    user.groups.add(Role.objects.get(name="service"))
    made = run_json("create_api_key", "--user", user.email.upper(), "--scope", "keys:verify", "--scope", "images:*")
    row = ApiKey.objects.get()
    assert (made["id"], made["user_id"], made["scopes"]) == (row.pk, user.pk, ["keys:verify", "images:*"])
    assert made["api_key"].startswith("sk_live_")
    assert made["api_key"] not in run("list_api_keys", "--user", user.email)


def test_create_refuses_scopes_that_the_owner_does_not_hold():
    user = make_user()
    with pytest.raises(
        CommandError, match="The owner needs a role with the scope keys:verify: administrator or service"
    ):
        run("create_api_key", "--user", user.email, "--scope", "keys:verify")
    assert not ApiKey.objects.exists()


def test_create_accepts_every_property():
    user = make_user()
    arguments = ["--name", "n", "--description", "d", "--environment", "test", "--expires-at", "2100-01-01T00:00:00Z"]
    made = run_json("create_api_key", "--user", user.email, *arguments, "--ip", "10.0.0.1/8", "--metadata", '{"a": 1}')
    expected = {
        "name": "n",
        "description": "d",
        "environment": "test",
        "expires_at": "2100-01-01T00:00:00Z",
        "ip_allowlist": ["10.0.0.0/8"],
        "metadata": {"a": 1},
    }
    assert {name: made[name] for name in expected} == expected
    assert made["api_key"].startswith("sk_test_")


def test_the_operator_is_the_actor_in_the_audit_trail():
    made = run_json("create_api_key", "--user", make_user().email)
    event = AuditEvent.objects.get(action="api_key.created")
    assert (event.actor_kind, event.actor_id, event.target_id) == ("operator", None, made["id"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--user", "nobody@example.com"], "No account has this e-mail address."),
        (["--user", "OWNER", "--scope", "not a scope"], "scopes.0: String should match"),
        (["--user", "OWNER", "--ip", "999.1.1.1"], "ip_allowlist.0: must be an IP address"),
        (["--user", "OWNER", "--expires-at", "2000-01-01T00:00:00Z"], "expires_at: must be in the future"),
        (["--user", "OWNER", "--metadata", "[1]"], "must be a JSON object"),
    ],
)
def test_create_reports_errors_in_one_line(arguments: list[str], message: str):
    user = make_user()
    with pytest.raises(CommandError, match=r"\A[^\n]+\Z") as refusal:
        run("create_api_key", *[user.email if argument == "OWNER" else argument for argument in arguments])
    assert message in str(refusal.value)
    assert ApiKey.objects.count() == 0


def test_list_prints_all_keys_of_the_user_only():
    user = make_user()
    ids = [make_key(user).id for _ in range(101)]
    make_key()
    lines = run("list_api_keys", "--user", user.email, "--json").splitlines()
    assert [json.loads(line)["id"] for line in lines] == ids


def test_rotate_prints_the_new_secret_and_sets_the_grace_period():
    key = make_key()
    rotated = run_json("rotate_api_key", str(key.id), "--grace-seconds", "60")
    new, old = ApiKeySecret.objects.all()
    assert rotated["id"] == key.id
    assert rotated["api_key"] != key.secret
    assert new.expires_at is None
    assert old.expires_at is not None
    assert abs(old.expires_at - new.created_at - timedelta(seconds=60)) < timedelta(seconds=5)


def test_revoke_reads_the_key_from_standard_input(typed):
    key = make_key()
    typed(key.secret)
    revoked = run_json("revoke_api_key", "-", "--reason", "a chargeback", "--message", "leaked")
    assert (revoked["id"], revoked["revoked_reason"]) == (key.id, "leaked")
    typed(key.secret)
    with pytest.raises(SystemExit) as leaving:
        run("verify_api_key", "-")
    assert leaving.value.code == 3


@pytest.mark.parametrize("end", ["", "…"])
@pytest.mark.parametrize("command", ["revoke_api_key", "rotate_api_key"])
def test_key_is_named_by_its_prefix(command: str, end: str):
    other, key = make_key(), make_key()
    assert run_json(command, f"{visible_prefix(key.secret)}{end}")["id"] == key.id
    assert [event.target_id for event in AuditEvent.objects.all()] == [key.id]
    assert other.row.revoked_at is None


def test_prefix_of_several_keys_names_none():
    keys = [make_key(), make_key()]
    ApiKeySecret.objects.update(prefix="sk_live_Same")
    with pytest.raises(
        CommandError, match=f"Several API keys have this prefix: {keys[0].id}, {keys[1].id}. Use the id"
    ):
        run("revoke_api_key", "sk_live_Same")
    ApiKey.objects.filter(pk=keys[0].id).update(deleted_at=timezone.now())
    assert run_json("revoke_api_key", "sk_live_Same")["id"] == keys[1].id


@pytest.mark.parametrize("command", ["revoke_api_key", "rotate_api_key"])
@pytest.mark.parametrize("named", ["999999", "nonsense", "sk_live_0000", "99999999999999999999", "٣", "-"])
def test_an_unknown_key_is_refused(command: str, named: str, typed):
    typed("sk_live_unknown")
    with pytest.raises(CommandError, match=r"\A[^\n]+\Z"):
        run(command, named)
    assert AuditEvent.objects.count() == 0


@pytest.mark.parametrize("command", ["revoke_api_key", "rotate_api_key", "verify_api_key"])
@pytest.mark.parametrize("cut", [None, -1])
def test_secret_in_the_arguments_is_refused_and_not_repeated(command: str, cut: int | None):
    key = make_key()
    with pytest.raises(CommandError, match="other users of this machine") as refusal:
        run(command, key.secret[:cut])
    assert key.secret[:cut] not in str(refusal.value)
    assert AuditEvent.objects.count() == 0


def test_verify_counts_nothing(typed):
    key = make_key(scopes=["images:*"])
    typed(key.secret)
    verdict = run_json("verify_api_key", "-", "--scope", "images:read")
    assert (verdict["valid"], verdict["code"], verdict["key_id"]) == (True, "VALID", key.id)
    assert UsageRecord.objects.count() == 0


def test_person_at_a_terminal_is_asked_for_the_key(monkeypatch: pytest.MonkeyPatch):
    key = make_key()
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr(service_command, "getpass", lambda prompt: {"API key: ": key.secret}[prompt])
    assert run_json("verify_api_key", "-")["key_id"] == key.id


def test_verify_exits_with_3_and_the_reason(typed):
    key = make_key(ip_allowlist=["10.0.0.0/8"])
    typed(key.secret)
    out = io.StringIO()
    with pytest.raises(SystemExit) as leaving:
        call_command("verify_api_key", "-", "--ip", "192.0.2.1", "--json", stdout=out)
    verdict = json.loads(out.getvalue())
    assert (leaving.value.code, verdict["code"], verdict["detail"]) == (3, "FORBIDDEN", "address_not_allowed")


NEVER = {"name": "never", "limit": 0, "period_seconds": 60}


@pytest.mark.parametrize(
    ("key", "owner", "code", "detail"),
    [
        ({"revoked_at": "2020-01-01T00:00:00Z"}, {}, "DISABLED", "revoked"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, {}, "EXPIRED", "key"),
        ({}, {"is_active": False}, "FORBIDDEN", "owner_suspended"),
        ({}, {}, "INSUFFICIENT_SCOPES", "images:read"),
        ({"scopes": ["images:*"], "rate_limits": [NEVER]}, {}, "RATE_LIMITED", "never"),
    ],
)
def test_verify_says_what_exactly_refuses_the_key(
    key: dict[str, Any], owner: dict[str, Any], code: str, detail: str, typed: Callable[[str], None]
):
    issued = make_key(make_user(**owner), **key)
    typed(issued.secret)
    out = io.StringIO()
    with pytest.raises(SystemExit) as leaving:
        call_command("verify_api_key", "-", "--scope", "images:read", stdout=out)
    assert leaving.value.code == 3
    shown = out.getvalue().splitlines()
    assert (f"code: {code}" in shown, f"detail: {detail}" in shown) == (True, True), shown
    assert UsageRecord.objects.count() == 0
