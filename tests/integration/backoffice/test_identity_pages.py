"""The identities in the admin: who signs in with what, and unlinking."""

import pytest

from apps.audit.models import AuditEvent
from apps.identities.models import Identity
from apps.users.models import User
from tests.integration.backoffice.pages import only_event, text_of
from tests.support.factories import PASSWORD, make_staff, make_user
from tests.support.mailbox import letters_to

IDENTITIES = "/admin/identities/identity/"


@pytest.fixture
def ann(database) -> User:
    return make_user(PASSWORD, email="ann@example.com")


def identity_of(user: User) -> Identity:
    return Identity.objects.create(
        user=user, provider="acme", issuer="https://acme.example.com", subject="ann-at-acme", email="ann@acme.example"
    )


def test_list_and_page_show_the_identity(browser, ann):
    identity = identity_of(ann)
    for address in (IDENTITIES, f"{IDENTITIES}?q=ANN@acme", f"{IDENTITIES}{identity.pk}/change/"):
        page = text_of(browser.get(address))
        for word in ("ann@example.com", "acme", "ann-at-acme"):
            assert word in page
    assert "ann-at-acme" not in text_of(browser.get(f"{IDENTITIES}?q=nobody"))


def test_unlinking_needs_a_confirmation(browser, staff, ann):
    identity = identity_of(ann)
    page = f"{IDENTITIES}{identity.pk}/delete/"
    assert "can no longer sign in with this identity" in text_of(browser.get(page))
    assert Identity.objects.exists()
    assert "unlinked." in text_of(browser.post(page, follow=True))
    assert not Identity.objects.exists()
    event = only_event(action="identity.unlinked")
    assert (event.actor_id, event.target_id, event.subject_id) == (staff.pk, identity.pk, ann.pk)
    (message,) = letters_to("ann@example.com")
    assert message.subject == "Sign-in with another provider was unlinked from your account."


def test_last_way_to_sign_in_is_kept(browser):
    identity = identity_of(make_user())
    assert "only way to sign in" in text_of(browser.post(f"{IDENTITIES}{identity.pk}/delete/"))
    assert Identity.objects.exists()
    assert not AuditEvent.objects.exists()


def test_identities_are_read_only(browser, ann):
    identity = identity_of(ann)
    assert browser.get(f"{IDENTITIES}add/").status_code == 403
    assert browser.post(f"{IDENTITIES}{identity.pk}/change/", {"subject": "mallory"}).status_code == 403
    identity.refresh_from_db()
    assert identity.subject == "ann-at-acme"


def test_reading_scope_does_not_unlink(limited, ann):
    identity = identity_of(ann)
    looker = limited("security:read")
    assert looker.get(f"{IDENTITIES}{identity.pk}/change/").status_code == 200
    assert looker.post(f"{IDENTITIES}unlink/?id={identity.pk}").status_code == 403
    assert limited().get(IDENTITIES).status_code == 403
    assert Identity.objects.exists()


def test_identity_of_staff_is_unlinked_by_those_who_manage_staff(limited):
    identity = identity_of(make_staff(PASSWORD))
    clerk = limited("security:read", "security:write")
    assert "lacks the scope staff:manage" in text_of(clerk.post(f"{IDENTITIES}unlink/?id={identity.pk}"))
    assert Identity.objects.exists()
