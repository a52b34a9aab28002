"""Notifying owners of accounts by mail."""

import pytest

from apps.core.authorization.principal import OPERATOR, Principal
from apps.core.database.transaction import transaction
from apps.core.errors import NotFound
from apps.core.request_context import RequestContext, enter_request
from apps.mail.models import OutgoingMail
from apps.users.dependencies import security_notifier
from apps.users.models import User
from apps.users.services.in_transaction.security_notifier import SecurityNotice
from tests.support.callers import session_of, staff_of
from tests.support.factories import make_user
from tests.support.mailbox import QueuedMessage, letters_to
from tests.support.orm import make, rows

pytestmark = pytest.mark.usefixtures("database")

ANN = "ann@example.com"


VERIFIED = {"email": ANN, "email_verified_at": "2026-01-01T00:00:00Z"}


async def notify(user: User, what: SecurityNotice, key: str, actor: Principal | None = None) -> None:
    enter_request(RequestContext("req-1", "203.0.113.9", "phone"))
    try:
        async with transaction():
            await security_notifier().notify(user.pk, what, key, actor)
    finally:
        enter_request(RequestContext())


async def messages(address: str = ANN) -> list[QueuedMessage]:
    found: list[QueuedMessage] = await make(letters_to, address)
    return found


async def test_message_names_the_event_the_moment_and_the_origin(settings):
    settings.APPLICATION_URL = "https://app.example.com"
    await notify(await make(make_user, **VERIFIED), SecurityNotice.PASSWORD_CHANGED, "1")
    (message,) = await messages()
    assert message.kind == "security_notice"
    assert message.context.pop("moment").endswith(" UTC")
    assert message.context == {
        "what": "Your password was changed.",
        "by_staff": "",
        "address": "203.0.113.9",
        "agent": "phone",
        "link": "https://app.example.com/account/security",
        "reset_link": "https://app.example.com/account/forgot-password",
    }


@pytest.mark.parametrize("actor", [OPERATOR, staff_of(2**40)])
async def test_message_hides_the_origin_of_staff(actor):
    await notify(await make(make_user, email=ANN), SecurityNotice.SECOND_FACTORS_RESET, "1", actor)
    (message,) = await messages()
    assert message.context["by_staff"] == "yes"
    assert "203.0.113.9" not in repr(message.context)


async def test_key_is_notified_once():
    user = await make(make_user, email=ANN)
    for key, what in (
        ("1", SecurityNotice.TOKEN_REUSED),
        ("1", SecurityNotice.TOKEN_REUSED),
        ("2", SecurityNotice.TOKEN_REUSED),
    ):
        await notify(user, what, key, session_of(user.pk))
    await notify(user, SecurityNotice.NEW_DEVICE, "1")
    assert len(await messages()) == 3


async def test_former_address_is_notified_beside_the_current_one():
    user = await make(make_user, email=ANN)
    async with transaction():
        await security_notifier().notify(user.pk, SecurityNotice.EMAIL_CHANGED, "1")
        former = User(pk=user.pk, email="old@example.com")
        await security_notifier().notify_former(former, SecurityNotice.EMAIL_CHANGED, "1")
    assert len(await messages()) == len(await messages("old@example.com")) == 1


async def test_owner_of_an_erased_account_is_not_notified():
    await notify(await make(make_user, erased_at="2026-01-01T00:00:00Z"), SecurityNotice.NEW_DEVICE, "1")
    assert await rows(OutgoingMail.objects.all()) == []
    with pytest.raises(NotFound):
        await notify(User(pk=2**40), SecurityNotice.NEW_DEVICE, "1")


async def test_an_unverified_address_gets_no_text_that_its_user_has_chosen():
    """Otherwise anyone could send texts to other people, by signing up with their addresses."""
    unverified = await make(make_user, email=ANN)
    await notify(unverified, SecurityNotice.PASSWORD_CHANGED, "1")
    async with transaction():
        enter_request(RequestContext("req-1", "203.0.113.9", "Visit evil.example"))
        await security_notifier().notify_former(unverified, SecurityNotice.EMAIL_CHANGED, "1")
        enter_request(RequestContext())
    for message in await messages():
        assert "Device: unknown" in message.text
        assert "203.0.113.9" in message.text
    staff = await make(make_user, email="root@example.com", is_staff=True)
    await notify(staff, SecurityNotice.PASSWORD_CHANGED, "2")
    (to_staff,) = await messages("root@example.com")
    assert "Device: phone" in to_staff.text
