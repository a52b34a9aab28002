"""`manage.py set_roles`."""

import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.audit.models import AuditEvent
from tests.support.factories import make_user

pytestmark = pytest.mark.usefixtures("database")


def set_roles(*arguments: str) -> Any:
    out = io.StringIO()
    call_command("set_roles", *arguments, "--json", stdout=out)
    return json.loads(out.getvalue())


def test_operator_sets_the_roles_of_an_account():
    user = make_user()
    for roles in (["service", "credit-service"], ["service"], []):
        assert set_roles(user.email.upper(), *roles)["roles"] == sorted(roles)
    events = AuditEvent.objects.order_by("id")
    assert [(event.actor_kind, event.action, event.target_id) for event in events] == [
        ("operator", "user.updated", user.pk)
    ] * 3
    assert [event.after["roles"] for event in events] == [["credit-service", "service"], ["service"], []]


@pytest.mark.parametrize(
    ("email", "roles", "reason"),
    [
        ("nobody@example.com", ["service"], "No account"),
        (None, ["service", "x"], "No role has the name x"),
        (None, [""], "at least 1 character"),
    ],
)
def test_invalid_argument_is_rejected(email, roles, reason):
    user = make_user()
    with pytest.raises(CommandError, match=reason):
        set_roles(email or user.email, *roles)
    assert user.groups.count() == 0
    assert not AuditEvent.objects.exists()
