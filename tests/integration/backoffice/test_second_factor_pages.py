"""Second factors in the admin: shown without secrets, and removed for an owner who has lost them."""

import pytest
from django.utils import timezone

from apps.audit.models import AuditEvent
from apps.authentication.admin.session_admin import END, END_EVERYWHERE
from apps.core.admin.schema_form import ReasonForm
from apps.core.authorization.principal import owner_of
from apps.core.crypto.encryption import encrypt
from apps.core.errors import NotFound
from apps.second_factors.admin.second_factor_admin import REMOVE_PASSKEY
from apps.second_factors.models import Passkey, RecoveryCode, TotpDevice
from apps.users.models import User
from tests.integration.backoffice.pages import CUSTOMERS, USERS, only_event, text_of
from tests.support.factories import make_user
from tests.support.mailbox import letters_to

pytestmark = pytest.mark.integration

PASSKEYS, DEVICES = "/admin/second_factors/passkey/", "/admin/second_factors/totpdevice/"
RESET = f"{USERS}reset_second_factors/?id="
BUTTON = "Remove second factors"


def person() -> User:
    """Return an account with every kind of factor."""
    user = make_user(email="ivy@example.com")
    TotpDevice.objects.create(user=user, secret_encrypted=encrypt(b"SECRET", "x"), confirmed_at=timezone.now())
    RecoveryCode.objects.create(user=user, digest=b"digest")
    Passkey.objects.create(
        user=user,
        user_handle=b"handle",
        name="Ivy's laptop",
        credential_id=b"credential",
        public_key=b"public",
        sign_count=3,
        aaguid="00010203-0405-0607-0809-0a0b0c0d0e0f",
        is_backup_eligible=False,
        is_backed_up=False,
    )
    return user


def test_pages_show_kinds_and_dates_and_no_secret(limited):
    user = person()
    browser = limited("customers:read", "security:read")
    account = text_of(browser.get(f"{USERS}{user.pk}/change/"))
    for address in (PASSKEYS, DEVICES):
        assert f"{address}?user__id__exact={user.pk}" in account
    assert BUTTON not in account
    passkey, device = Passkey.objects.get(), TotpDevice.objects.get()
    pages = [
        browser.get(f"{PASSKEYS}?user__id__exact={user.pk}"),
        browser.get(f"{PASSKEYS}{passkey.pk}/change/"),
        browser.get(f"{DEVICES}?user__id__exact={user.pk}"),
        browser.get(f"{DEVICES}{device.pk}/change/"),
    ]
    assert [page.status_code for page in pages] == [200] * 4
    texts = [text_of(page) for page in pages]
    assert ["Ivy's laptop" in text for text in texts] == [True, True, False, False]
    assert all("ivy@example.com" in text for text in texts)
    assert not any(bytes(device.secret_encrypted).decode() in text for text in texts)


@pytest.mark.parametrize("path", [f"{PASSKEYS}add/", f"{DEVICES}add/", f"{PASSKEYS}1/delete/"])
def test_factors_are_read_only(browser, path: str):
    assert browser.post(path, {}).status_code in {302, 403}
    assert not Passkey.objects.exists()


def test_unconfirmed_secret_is_not_listed(browser):
    TotpDevice.objects.create(user=make_user(email="eve@example.com"), secret_encrypted=b"x")
    assert "eve@example.com" not in text_of(browser.get(DEVICES))


def test_superuser_resets_all_factors(browser, staff):
    user = person()
    assert BUTTON in text_of(browser.get(f"{USERS}{user.pk}/change/"))
    assert "Verify first that the owner has requested it" in text_of(browser.get(f"{RESET}{user.pk}"))
    response = browser.post(f"{RESET}{user.pk}", follow=True)
    assert "Second factors of customer “ivy@example.com” removed." in text_of(response)
    assert BUTTON not in text_of(response)
    assert not any(model.objects.exists() for model in (TotpDevice, RecoveryCode, Passkey))
    event = only_event(action="second_factors.reset")
    assert (event.actor_id, event.subject_id) == (staff.pk, user.pk)
    (message,) = letters_to("ivy@example.com")
    assert (message.context["what"], message.context["by_staff"]) == (
        "All second factors of your account were removed.",
        "yes",
    )


def test_one_factor_is_removed_and_the_others_stay(browser, limited, staff):
    user = person()
    reader = limited("customers:read", "security:read")
    for number, address in enumerate(
        (f"{PASSKEYS}remove/?id={Passkey.objects.get().pk}", f"{USERS}remove_totp/?id={user.pk}")
    ):
        assert (Passkey.objects.count(), TotpDevice.objects.count(), RecoveryCode.objects.count()) == (1 - number, 1, 1)
        assert address in text_of(browser.get(f"{CUSTOMERS}{user.pk}/security/"))
        assert address not in text_of(reader.get(f"{CUSTOMERS}{user.pk}/security/"))
        assert reader.post(address).status_code == 403
        done = browser.post(address, {"reason": "lost phone"})
        assert done.headers["location"] == f"{CUSTOMERS}{user.pk}/security/"
    assert not any(model.objects.exists() for model in (TotpDevice, RecoveryCode, Passkey))
    events = AuditEvent.objects.filter(action="second_factor.removed").order_by("id")
    assert [(each.actor_id, each.subject_id, each.reason) for each in events] == [(staff.pk, user.pk, "lost phone")] * 2
    assert [each.context["by_staff"] for each in letters_to("ivy@example.com")] == ["yes", "yes"]


def test_reset_needs_a_superuser(limited):
    user = person()
    browser = limited("customers:read", "customers:write")
    assert BUTTON not in text_of(browser.get(f"{USERS}{user.pk}/change/"))
    assert browser.post(f"{RESET}{user.pk}").status_code == 403
    assert Passkey.objects.count() == 1
    assert not AuditEvent.objects.exists()


def test_reset_is_not_offered_without_factors(browser):
    user = make_user()
    assert "does not apply here." in text_of(browser.post(f"{RESET}{user.pk}", follow=True))
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize("operation", [REMOVE_PASSKEY, END, END_EVERYWHERE], ids=lambda operation: operation.label)
def test_row_that_was_removed_while_its_page_was_open_is_not_found(staff, operation):
    with pytest.raises(NotFound):
        operation.perform(owner_of(staff.pk), 1, ReasonForm())
