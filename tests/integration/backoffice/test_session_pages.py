"""Customers' sessions in the admin: found, shown and ended by the service that the API has too."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.audit.models import AuditEvent
from apps.authentication.models import Session
from tests.integration.backoffice.pages import CUSTOMERS, SESSIONS, USERS, only_event, text_of
from tests.support.factories import make_staff, make_user
from tests.support.sessions import sign_in
from tests.support.staff_browser import admin_session

pytestmark = pytest.mark.integration


def _session_of(user) -> Session:
    sign_in(user)
    return Session.objects.filter(user=user).latest("id")


def _is_live(session: Session) -> bool:
    session.refresh_from_db()
    return session.revoked_at is None


def _counted(browser, query: str = "") -> int:
    return int(browser.get(f"{SESSIONS}{query}").context["cl"].result_count)


def test_account_page_links_to_its_sessions(browser):
    user = make_user(email="ann@example.com")
    _session_of(user), _session_of(make_user())
    address = f"{SESSIONS}?user__id__exact={user.pk}"
    assert address in text_of(browser.get(f"{USERS}{user.pk}/change/"))
    assert _counted(browser, f"?user__id__exact={user.pk}") == 1


def test_session_page_is_read_only(browser):
    session = _session_of(make_user(email="ann@example.com"))
    page = f"{SESSIONS}{session.pk}/change/"
    shown = text_of(browser.get(page))
    assert "ann@example.com" in shown
    assert 'name="_save"' not in shown
    for address in (page, f"{SESSIONS}add/", f"{SESSIONS}{session.pk}/delete/"):
        assert browser.post(address, {"user_agent": "x"}).status_code == 403
    assert _is_live(session)


def test_states_are_shown(browser, staff):
    moment = timezone.now()
    user = make_user()
    _session_of(user)
    Session.objects.filter(pk=_session_of(user).pk).update(revoked_at=moment)
    Session.objects.filter(pk=_session_of(user).pk).update(expires_at=moment)
    _session_of(make_user(sessions_ended_at=moment + timedelta(seconds=60)))
    assert [_counted(browser, query) for query in ("", "?state=ended", "?state=expired")] == [2, 2, 1]


@pytest.mark.parametrize("term", ["ann@exam", "192.0.2.7"])
def test_sessions_are_found(browser, term):
    session = _session_of(make_user(email="ann@example.com"))
    Session.objects.filter(pk=session.pk).update(ip_address="192.0.2.7")
    _session_of(make_user(email="bob@example.com"))
    page = text_of(browser.get(SESSIONS, {"q": term}))
    assert "ann@example.com" in page
    assert "bob@example.com" not in page


def test_ending_needs_a_confirmation(browser, staff):
    session, other = _session_of(make_user(email="ann@example.com")), _session_of(make_user())
    page = f"{SESSIONS}end/?id={session.pk}"
    assert "End the session of ann@example.com?" in text_of(browser.get(page))
    assert _is_live(session)
    assert "The session of ann@example.com ended." in text_of(browser.post(page, follow=True))
    assert (_is_live(session), _is_live(other), session.revoked_reason) == (False, True, "ended by staff")
    event = only_event(action="session.ended")
    assert (event.actor_id, event.target_id, event.subject_id) == (staff.pk, session.pk, session.user_id)


def test_all_sessions_of_an_owner_are_ended(browser, staff):
    user = make_user()
    first, second, other = _session_of(user), _session_of(user), _session_of(make_user())
    assert browser.post(f"{SESSIONS}end_everywhere/?id={first.pk}").status_code == 302
    assert [_is_live(session) for session in (first, second, other)] == [False, False, True]
    event = only_event(action="sessions.ended")
    assert (event.actor_id, event.target_id, event.subject_id) == (staff.pk, user.pk, user.pk)
    assert event.after == {"everywhere": True, "session_ids": [first.pk, second.pk]}


def test_ending_one_returns_to_where_the_owners_sessions_are(browser, limited):
    user = make_user()
    for each, page in (
        (browser, f"{CUSTOMERS}{user.pk}/security/"),
        (limited("security:read", "security:write", "staff:read"), SESSIONS),
    ):
        session = _session_of(user)
        address = f"{SESSIONS}end/?id={session.pk}"
        assert f'href="{page}' in text_of(each.get(address))
        assert each.post(address).headers["location"].startswith(page)
        assert not _is_live(session)


def test_ending_several_needs_a_confirmation(browser):
    chosen = [_session_of(make_user()), _session_of(make_user())]
    form = {"action": "end_selected", "index": "0", "_selected_action": [session.pk for session in chosen]}
    asked = browser.post(SESSIONS, form).headers["location"]
    assert all(_is_live(session) for session in chosen)
    assert "2 sessions ended." in text_of(browser.post(asked, follow=True))
    assert not any(_is_live(session) for session in chosen)


def test_ended_session_is_not_ended_again(browser):
    session = _session_of(make_user())
    Session.objects.update_or_create(pk=session.pk, defaults={"revoked_at": timezone.now()})
    assert "“End” does not apply here." in text_of(browser.post(f"{SESSIONS}end/?id={session.pk}", follow=True))
    assert not AuditEvent.objects.exists()


def test_sessions_of_staff_are_for_those_who_manage_staff(browser, limited):
    theirs = admin_session(make_staff(email="boss@example.com"))
    colleague = limited("security:read", "security:write")
    assert "boss@example.com" not in text_of(colleague.get(SESSIONS))
    assert "“End” does not apply here." in text_of(colleague.post(f"{SESSIONS}end/?id={theirs.pk}", follow=True))
    reader = limited("security:read", "security:write", "staff:read")
    assert "boss@example.com" in text_of(reader.get(SESSIONS))
    assert "lacks the scope staff:manage" in text_of(reader.post(f"{SESSIONS}end/?id={theirs.pk}"))
    assert _is_live(theirs)
    assert "boss@example.com" in text_of(browser.get(SESSIONS))
    assert browser.post(f"{SESSIONS}end/?id={theirs.pk}").status_code == 302
    assert not _is_live(theirs)


@pytest.mark.parametrize(
    ("scopes", "listed", "ended"),
    [
        ("security:read security:write", 200, 302),
        ("security:read", 200, 403),
        ("security:write", 403, 403),
        ("customers:read", 403, 403),
    ],
)
def test_each_scope_allows_its_own_action(limited, scopes, listed, ended):
    browser, session = limited(*scopes.split()), _session_of(make_user())
    assert browser.get(SESSIONS).status_code == listed
    assert browser.post(f"{SESSIONS}end/?id={session.pk}").status_code == ended
    assert _is_live(session) is (ended == 403)
