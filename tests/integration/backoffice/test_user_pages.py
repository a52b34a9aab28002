"""Accounts in the admin: every change is the service's, with an audit event of the member of staff."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from apps.audit.models import AuditEvent
from apps.authentication.models import Session
from apps.plans.models import Plan
from apps.users.models import User
from tests.integration.backoffice.pages import CUSTOMERS, USERS, form_errors, only_event, text_of
from tests.support.factories import PASSWORD, make_staff, make_user
from tests.support.staff_browser import REASON

pytestmark = pytest.mark.integration


def _change_form(user: User, **changes) -> dict[str, object]:
    fields = {
        "email": user.email,
        "username": user.username,
        "full_name": user.full_name,
        "plan": user.plan_id,
        "is_active": "on" if user.is_active else "",
        "is_staff": "on" if user.is_staff else "",
        **changes,
    }
    return {name: value for name, value in fields.items() if value != ""} | {"full_name": fields["full_name"]}


def _page(user: User, operation: str = "change") -> str:
    return f"{USERS}{user.pk}/{operation}/"


def test_user_is_added(browser, staff):
    new = {"email": "ann@example.com", "username": "ann", "full_name": "Ann", "password": PASSWORD}
    response = browser.post(f"{USERS}add/", new, follow=True)
    user = User.objects.get(email="ann@example.com")
    assert "was added successfully" in text_of(response)
    assert (user.username, user.plan.name, user.check_password(PASSWORD)) == ("ann", "free", True)
    event = only_event(action="user.created")
    assert (event.actor_id, event.actor_kind, event.target_id) == (staff.pk, "session", user.pk)
    assert PASSWORD not in str(event.after)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"password": "short"}, "password"),
        ({"password": ""}, "password"),
        ({"email": "nobody"}, "email"),
        ({"email": "ROOT@example.com"}, "email"),
        ({"username": "root"}, "username"),
        ({"username": "with space"}, "username"),
        ({"username": "x" * 151}, "username"),
        ({"full_name": "a\x00b"}, "full_name"),
    ],
)
def test_invalid_new_user_is_refused(browser, wrong, field):
    new = {"email": "ann@example.com", "username": "ann", "full_name": "", "password": PASSWORD, **wrong}
    assert field in form_errors(browser.post(f"{USERS}add/", new))
    assert User.objects.count() == 1
    assert not AuditEvent.objects.exists()


def test_only_changed_fields_are_stored(browser, staff):
    user, pro = make_user(), Plan.objects.get(name="pro")
    response = browser.post(_page(user), _change_form(user, full_name="Ann", plan=pro.pk))
    assert response.status_code == 302
    user.refresh_from_db()
    assert (user.full_name, user.plan) == ("Ann", pro)
    event = only_event(action="user.updated", target_id=user.pk)
    assert (event.actor_id, event.after) == (staff.pk, {"full_name": "Ann"})
    assert only_event(action="user.plan_changed", target_id=user.pk).after == {"plan_id": pro.pk}


def test_plan_is_changed_by_an_operation_of_its_own(browser, limited, staff):
    user, page = make_user(), f"{USERS}change_plan/?id="
    for wrong in ("", "unknown"):
        assert "plan" in form_errors(browser.post(f"{page}{user.pk}", {"plan": wrong}))
    assert limited("customers:read", "customers:suspend").post(f"{page}{user.pk}", {"plan": "pro"}).status_code == 403
    assert not AuditEvent.objects.exists()
    done = browser.post(f"{page}{user.pk}", {"plan": "pro", "reason": "asked by mail"})
    assert done.headers["location"] == f"{CUSTOMERS}{user.pk}/"
    user.refresh_from_db()
    assert user.plan.name == "pro"
    assert only_event().reason == "asked by mail"
    own = browser.post(f"{page}{staff.pk}", {"plan": "pro"})
    assert "You cannot change your own plan or rights." in text_of(own)


@pytest.mark.parametrize("change", [{"email": "thief@example.com"}, {"is_staff": "on"}, {"roles": ["service"]}])
def test_giving_access_needs_recent_authentication(browser, change):
    user = make_user()
    Session.objects.update(authenticated_at=Now() - timedelta(minutes=11))
    asked = browser.post(_page(user), _change_form(user, **change))
    assert (asked.status_code, asked.headers["location"]) == (302, f"/admin/proof/?next={_page(user)}")
    assert "The change was not saved." in text_of(browser.get(asked.headers["location"]))
    unchanged = User.objects.get(pk=user.pk)
    assert (unchanged.email, unchanged.is_staff, unchanged.groups.count()) == (user.email, False, 0)
    assert not AuditEvent.objects.exists()
    done = f"{CUSTOMERS}{user.pk}/"
    assert browser.post(_page(user), _change_form(user, full_name="Ann")).headers["location"] == done
    Session.objects.update(authenticated_at=Now())
    assert browser.post(_page(user), _change_form(user, **change)).headers["location"] == done
    assert AuditEvent.objects.filter(action="user.updated").count() == 2


def test_plan_is_chosen_and_not_edited(browser):
    page = text_of(browser.get(_page(make_user())))
    assert 'name="plan"' in page
    assert "related-widget-wrapper-link" not in page


def test_saving_without_changes_changes_nothing(browser):
    user = make_user()
    assert browser.post(_page(user), _change_form(user)).status_code == 302
    assert not AuditEvent.objects.exists()


def test_taken_address_is_refused(browser):
    user = make_user()
    errors = form_errors(browser.post(_page(user), _change_form(user, email="root@example.com")))
    assert errors == {"email": ["An account with this e-mail address exists."]}
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize(("operation", "was", "becomes"), [("deactivate", True, False), ("activate", False, True)])
def test_suspending_and_reactivating_need_a_confirmation(browser, staff, operation, was, becomes):
    user = make_user(is_active=was)
    page = f"{USERS}{operation}/?id={user.pk}"
    assert user.email in text_of(browser.get(page))
    assert User.objects.get(pk=user.pk).is_active is was
    assert browser.post(page).headers["location"] == f"{CUSTOMERS}{user.pk}/"
    assert User.objects.get(pk=user.pk).is_active is becomes
    event = only_event(action="user.reactivated" if becomes else "user.suspended", target_id=user.pk)
    assert (event.actor_id, event.before, event.after) == (staff.pk, {"is_active": was}, {"is_active": becomes})


def test_suspending_several_needs_a_confirmation(browser):
    users = [make_user(), make_user()]
    chosen = {"action": "deactivate_selected", "index": "0", "_selected_action": [user.pk for user in users]}
    asked = browser.post(USERS, chosen)
    assert AuditEvent.objects.count() == 0
    page = text_of(browser.get(asked.headers["location"]))
    assert all(user.email in page for user in users)
    assert "2 customers suspended." in text_of(browser.post(asked.headers["location"], follow=True))
    assert AuditEvent.objects.filter(action="user.suspended", reason=REASON).count() == 2


def test_user_is_deleted_softly(browser, staff):
    user = make_user()
    assert user.email in text_of(browser.get(_page(user, "delete")))
    assert browser.post(_page(user, "delete")).status_code == 302
    user.refresh_from_db()
    assert user.deleted_at is not None
    assert only_event(action="user.deleted", target_id=user.pk).actor_id == staff.pk


def test_deleted_users_are_listed_on_request_and_read_only(browser):
    user = make_user(deleted_at=timezone.now(), is_active=False)
    assert user.email not in text_of(browser.get(USERS))
    assert user.email in text_of(browser.get(f"{USERS}?deleted=yes"))
    assert browser.get(_page(user)).status_code == 200
    assert browser.post(_page(user), _change_form(user, full_name="x")).status_code == 403
    assert browser.post(_page(user, "delete")).status_code == 302
    assert browser.post(f"{USERS}activate/?id={user.pk}").status_code == 302
    assert not AuditEvent.objects.exists()


def test_restoring_needs_a_confirmation(browser, staff):
    user = make_user(deleted_at=timezone.now(), is_active=False)
    page = f"{USERS}restore/?id={user.pk}"
    assert "Restore" in text_of(browser.get(_page(user)))
    assert user.email in text_of(browser.get(page))
    assert browser.post(page).status_code == 302
    user.refresh_from_db()
    assert (user.deleted_at, user.is_active) == (None, True)
    assert only_event(action="user.restored", target_id=user.pk).actor_id == staff.pk


def test_superuser_decides_who_is_staff(browser, staff):
    user = make_user()
    browser.post(_page(user), _change_form(user, is_staff="on"))
    assert User.objects.get(pk=user.pk).is_staff
    event = only_event(action="user.updated", target_id=user.pk)
    assert (event.actor_id, event.after) == (staff.pk, {"is_staff": True})


def test_other_staff_cannot_decide_who_is_staff(limited):
    user, browser = make_user(), limited("customers:read", "customers:write")
    assert browser.post(_page(user), _change_form(user, is_staff="on", full_name="Ann")).status_code == 302
    user.refresh_from_db()
    assert (user.is_staff, user.full_name) == (False, "Ann")


def test_other_staff_cannot_change_staff(limited):
    colleague, browser = make_staff(), limited("customers:read", "customers:write", "customers:suspend")
    errors = form_errors(browser.post(_page(colleague), _change_form(colleague, full_name="x")))
    assert errors == {"__all__": ["The credential lacks the scope staff:manage."]}
    for page in (f"{USERS}deactivate/?id={colleague.pk}", _page(colleague, "delete")):
        assert "lacks the scope staff:manage" in text_of(browser.post(page))
    assert User.objects.get(pk=colleague.pk).is_active


def test_staff_cannot_suspend_themselves(browser, staff):
    errors = form_errors(browser.post(_page(staff), _change_form(staff, is_active="")))
    assert "your own access" in errors["__all__"][0]
    assert "your own access" in text_of(browser.post(f"{USERS}deactivate/?id={staff.pk}"))
    assert "your own access" in text_of(browser.post(_page(staff, "delete")))
    staff.refresh_from_db()
    assert staff.is_active
    assert staff.deleted_at is None


@pytest.mark.parametrize("term", ["ann@exam", "annie", "Ann von"])
def test_users_are_found(browser, term):
    make_user(email="ann@example.com", username="annie", full_name="Ann von Hand")
    make_user(email="bob@example.com", username="bob")
    page = text_of(browser.get(USERS, {"q": term}))
    assert "ann@example.com" in page
    assert "bob@example.com" not in page


def test_user_page_links_to_keys(browser):
    user = make_user()
    page = text_of(browser.get(_page(user)))
    assert f"/admin/api_keys/apikey/?user__id__exact={user.pk}" in page
    assert f"/admin/api_keys/apikey/add/?user={user.pk}" in page


def test_history_is_the_audit_trail(browser):
    user = make_user()
    browser.post(_page(user), _change_form(user, full_name="Ann"))
    assert "user.updated" in text_of(browser.get(_page(user, "history"), follow=True))
