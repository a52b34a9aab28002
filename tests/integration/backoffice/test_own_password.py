"""Staff change their own password in the admin, through the same service as in the API."""

import pytest
from django.test import Client

from apps.audit.models import AuditEvent
from apps.authentication.models import Session
from tests.support.factories import PASSWORD, make_staff
from tests.support.sessions import sign_in
from tests.support.staff_browser import browser_of

pytestmark = pytest.mark.integration

PAGE = "/admin/password_change/"
NEW = "another horse battery staple"


@pytest.fixture
def person(database):
    return make_staff(PASSWORD)


@pytest.fixture
def signed_in(person) -> Client:
    return browser_of(person)


def test_password_is_changed_and_api_sessions_end(person, signed_in):
    sign_in(person)
    form = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
    assert signed_in.post(PAGE, form).headers["location"] == "/admin/password_change/done/"
    person.refresh_from_db()
    assert person.check_password(NEW)
    event = AuditEvent.objects.get(action="user.password_changed")
    assert (event.actor_id, event.target_id) == (person.pk, person.pk)
    assert Session.objects.get(kind=Session.Kind.API).revoked_at is not None
    assert signed_in.get("/admin/").status_code == 200


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"old_password": "not it"}, "old_password"),
        ({"old_password": ""}, "old_password"),
        ({"new_password2": "different"}, "new_password2"),
        ({"new_password1": "12345678", "new_password2": "12345678"}, "new_password1"),
        ({"new_password1": "x" * 300, "new_password2": "x" * 300}, "new_password1"),
    ],
)
def test_errors_of_the_service_are_shown(person, signed_in, wrong, field):
    form = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW, **wrong}
    response = signed_in.post(PAGE, form)
    assert (response.status_code, list(response.context["form"].errors)) == (200, [field])
    person.refresh_from_db()
    assert person.check_password(PASSWORD)
    assert not AuditEvent.objects.exclude(action="password.refused").exists()


def test_wrong_passwords_are_counted(signed_in):
    form = {"old_password": "not it", "new_password1": NEW, "new_password2": NEW}
    for _ in range(5):
        signed_in.post(PAGE, form)
    right = signed_in.post(PAGE, {**form, "old_password": PASSWORD})
    assert "Too many wrong passwords." in right.content.decode()
