"""Migrating an installation without roles: keys keep their scopes, and no account gets more."""

from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from apps.audit.models import AuditEvent
from apps.core.authorization.scopes import EVERYONES_SCOPES
from apps.core.event_loop import call_service
from apps.users.dependencies import user_service
from apps.users.models import Role, RoleScope, User
from tests.support.factories import make_bare_key, make_staff, make_user

pytestmark = pytest.mark.usefixtures("database")

BEFORE = ("api_keys", "20261122_1846_add_rate_limits"), ("users", "20261122_1741_sessions_ended_at")


def migrate_anew(*, only_keys: bool = False) -> None:
    try:
        for label, name in BEFORE[: 1 if only_keys else 2]:
            call_command("migrate", label, name, verbosity=0)
    finally:
        call_command("migrate", verbosity=0)


def held(user: User) -> frozenset[str]:
    return call_service(user_service().held_scopes, user.pk)


def roles_of(user: User) -> list[str]:
    return sorted(user.groups.values_list("name", flat=True))


def test_owners_of_existing_keys_get_the_roles_that_their_keys_need():
    owners: dict[str, tuple[list[dict[str, Any]], set[str]]] = {
        "verifier": ([{"scopes": ["mine", "keys:verify"]}], {"keys:verify"}),
        "wildcard": ([{"scopes": ["keys:*"]}], {"keys:verify"}),
        "holder": ([{"scopes": ["credits:hold"], "is_active": False}], {"credits:hold"}),
        "both": ([{"scopes": ["keys:verify"]}, {"scopes": ["credits:*"]}], {"keys:verify", "credits:hold"}),
        "plain": ([{"scopes": ["keys:mine", "tokens:*", "tokens:introspect"]}], set()),
        "revoked": ([{"scopes": ["keys:verify"], "revoked_at": timezone.now()}], set()),
        "deleted key": ([{"scopes": ["keys:verify"], "deleted_at": timezone.now()}], set()),
    }
    users = {name: make_user(username=name.replace(" ", "")) for name in owners}
    gone, staff = make_user(deleted_at=timezone.now()), make_staff(is_superuser=False)
    for name, (keys, _) in owners.items():
        for fields in keys:
            make_bare_key(users[name], **fields)
    for user in (gone, staff):
        make_bare_key(user, scopes=["keys:verify"])
    migrate_anew()
    assert {name: held(user) for name, user in users.items()} == {
        name: EVERYONES_SCOPES | needed for name, (_, needed) in owners.items()
    }
    assert (roles_of(gone), roles_of(staff)) == ([], ["service"])
    events = {(event.target_id, str(event.before), str(event.after)) for event in AuditEvent.objects.all()}
    assert (users["verifier"].pk, "{'roles': []}", "{'roles': ['service']}") in events
    assert {event[2] for event in events if event[0] == users["both"].pk} == {
        "{'roles': ['service']}",
        "{'roles': ['credit-service', 'service']}",
    }
    assert len(events) == 6


def test_migrating_back_and_forth_gives_no_role_twice():
    user = make_user()
    make_bare_key(user, scopes=["keys:verify"])
    for _ in range(2):
        migrate_anew(only_keys=True)
    assert roles_of(user) == ["service"]
    assert AuditEvent.objects.count() == 1


def test_members_of_an_existing_group_get_no_scopes():
    owner, member = make_user(), make_user()
    make_bare_key(owner, scopes=["keys:verify"])
    try:
        call_command("migrate", "api_keys", BEFORE[0][1], verbosity=0)
        call_command("migrate", "users", BEFORE[1][1], verbosity=0)
        group = Role.objects.create(name="service")
        member.groups.add(group)
    finally:
        call_command("migrate", verbosity=0)
    assert (held(member), held(owner)) == (EVERYONES_SCOPES, EVERYONES_SCOPES | {"keys:verify"})
    assert roles_of(owner) == ["keyhouse-service"]
    assert list(RoleScope.objects.filter(role=group)) == []
