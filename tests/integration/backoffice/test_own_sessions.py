"""The page on which staff see their own sessions, and end them."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from apps.audit.models import AuditEvent
from apps.authentication.models import Session
from tests.integration.backoffice.pages import only_event, text_of
from tests.support.factories import make_staff, make_user
from tests.support.sessions import sign_in
from tests.support.staff_browser import admin_session, browser_of

pytestmark = pytest.mark.integration

PAGE = "/admin/sessions/"


def _live(user) -> list[str]:
    return [session.kind for session in Session.objects.filter(user=user, revoked_at=None).order_by("id")]


def test_own_sessions_of_api_and_admin_are_listed(browser, staff):
    sign_in(staff)
    admin_session(staff, user_agent="<b>Firefox</b>", ip_address="192.0.2.7")
    admin_session(make_staff(), user_agent="another account's")
    page = browser.get(PAGE)
    assert [(item.kind, item.is_current) for item in page.context["sessions"]] == [
        ("admin", False), ("api", False), ("admin", True),
    ]  # fmt: skip
    assert "&lt;b&gt;Firefox" in page.content.decode()
    assert "192.0.2.7" in text_of(page)
    assert "another account's" not in text_of(page)
    assert f'href="{PAGE}"' in text_of(browser.get("/admin/"))


def test_one_session_is_ended(browser, staff):
    sign_in(staff)
    api = Session.objects.get(kind="api")
    response = browser.post(PAGE, {"session": api.pk}, follow=True)
    assert "The session has ended." in text_of(response)
    assert _live(staff) == ["admin"]
    event = only_event(action="session.ended")
    assert (event.target_id, event.actor_id, event.subject_id) == (api.pk, staff.pk, staff.pk)


def test_all_other_sessions_are_ended(browser, staff):
    sign_in(staff)
    admin_session(staff)
    assert "All other sessions have ended." in text_of(browser.post(PAGE, {"session": "others"}, follow=True))
    assert _live(staff) == ["admin"]
    assert only_event(action="sessions.ended").target_id == staff.pk


@pytest.mark.parametrize("chosen", ["others", "the other"])
def test_ending_others_needs_recent_authentication(browser, staff, chosen):
    sign_in(staff)
    Session.objects.update(authenticated_at=Now() - timedelta(minutes=11))
    session = chosen if chosen == "others" else Session.objects.get(kind="api").pk
    assert browser.post(PAGE, {"session": session}).headers["location"].startswith("/admin/proof/")
    assert (_live(staff), AuditEvent.objects.exists()) == (["admin", "api"], False)


def test_ending_the_current_session_signs_out(browser, staff):
    response = browser.post(PAGE, {"session": Session.objects.get().pk}, follow=True)
    assert response.redirect_chain[-1][0].startswith("/admin/login/")
    assert _live(staff) == []


@pytest.mark.parametrize("chosen", ["", "0", "-1", "x", "9" * 40, "٣", "all"])
def test_invalid_session_id_ends_nothing(browser, staff, chosen):
    assert "This session has already ended." in text_of(browser.post(PAGE, {"session": chosen}, follow=True))
    assert (_live(staff), AuditEvent.objects.exists()) == (["admin"], False)


def test_sessions_of_others_are_not_ended(browser):
    colleague = make_staff()
    theirs = admin_session(colleague)
    assert "already ended" in text_of(browser.post(PAGE, {"session": theirs.pk}, follow=True))
    assert (_live(colleague), AuditEvent.objects.exists()) == (["admin"], False)


def test_page_is_open_to_all_staff(limited):
    assert limited().get(PAGE).status_code == 200
    customer = browser_of(make_user())
    assert customer.get(PAGE).headers["location"].startswith("/admin/login/")


def test_forged_form_ends_nothing(staff):
    browser = browser_of(staff, enforce_csrf_checks=True)
    assert browser.post(PAGE, {"session": "others"}).status_code == 403
    assert _live(staff) == ["admin"]
