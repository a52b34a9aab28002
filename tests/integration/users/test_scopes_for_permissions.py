"""Migrating roles with permissions in the admin: they give the scopes for the same, and the ready-made roles appear."""

import pytest
from django.contrib.auth.models import Permission
from django.core.management import call_command

from apps.audit.models import AuditEvent
from apps.core.authorization.catalogue import ROLE_SCOPES, STAFF_SCOPES
from apps.users.models import Role, RoleScope
from tests.support.factories import make_user

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("database")]

BEFORE = ("api_keys", "20261125_1827_roles_for_owners_of_keys"), ("users", "20261126_0030_end_proofs")
SUPPORT = {
    "customers:read", "customers:suspend", "keys:read", "keys:write", "credits:read", "security:read", "security:write",
    "audit:read", "customers:note",
}  # fmt: skip
READY_MADE = {
    "support": SUPPORT,
    "finance": {
        "customers:read", "customers:note", "credits:read", "credits:grant", "credits:adjust", "plans:write",
        "audit:read",
    },
    "operations": {
        "customers:read", "customers:note", "keys:read", "plans:write", "system:read", "system:write", "security:read",
        "audit:read",
    },
    "auditor": {scope for scope in STAFF_SCOPES if scope.endswith(":read")},
    "administrator": ROLE_SCOPES,
}  # fmt: skip


def migrate_back() -> None:
    for label, name in BEFORE:
        call_command("migrate", label, name, verbosity=0)


def migrate() -> None:
    call_command("migrate", verbosity=0)


def scopes_of(role: str) -> set[str]:
    return set(RoleScope.objects.filter(role__name=role).values_list("scope", flat=True))


def permissions(*names: str) -> list[Permission]:
    found = []
    for name in names:
        app_label, _, codename = name.partition(".")
        found.append(Permission.objects.get(content_type__app_label=app_label, codename=codename))
    return found


def test_ready_made_roles_are_those_of_every_installation():
    assert {name: scopes_of(name) for name in READY_MADE} == READY_MADE
    assert (scopes_of("service"), scopes_of("credit-service")) == ({"keys:verify"}, {"credits:hold"})


def test_permissions_become_scopes():
    try:
        migrate_back()
        role = Role.objects.create(name="helpers")
        role.permissions.set(permissions("api_keys.view_apikey", "users.change_user", "credits.change_creditbalance"))
        RoleScope.objects.create(role=role, scope="keys:verify")
    finally:
        migrate()
    wanted = {"keys:verify", "keys:read", "customers:write", "customers:suspend", "credits:grant", "credits:adjust"}
    assert scopes_of("helpers") == wanted
    (event,) = AuditEvent.objects.filter(action="role.updated")
    assert (event.target_id, event.before, event.after) == (
        role.pk, {"scopes": ["keys:verify"]}, {"scopes": sorted(wanted)},
    )  # fmt: skip


def test_backwards_roles_give_what_the_version_before_knows():
    role = Role.objects.create(name="helpers")
    RoleScope.objects.create(role=role, scope="keys:verify")
    RoleScope.objects.create(role=role, scope="keys:read")
    try:
        migrate_back()
        assert scopes_of("helpers") == {"keys:verify"}
        assert not Role.objects.filter(name__in=READY_MADE).exists()
    finally:
        migrate()
    assert scopes_of("support") == SUPPORT


def test_members_of_a_group_with_the_name_of_a_ready_made_role_get_nothing():
    member = make_user(is_staff=True)
    try:
        migrate_back()
        member.groups.add(Role.objects.create(name="support"))
    finally:
        migrate()
    assert (scopes_of("support"), scopes_of("keyhouse-support")) == (set(), SUPPORT)
