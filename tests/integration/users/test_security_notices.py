"""What an account's owner is told by mail."""

import pytest
from django.db import transaction

from apps.core.authorization.principal import OPERATOR
from apps.core.request_context import RequestContext, enter_request
from apps.users.dependencies import security_notices
from apps.users.domain.security_notice import SecurityNotice
from tests.support.callers import session_of, staff_of
from tests.support.factories import make_user
from tests.support.mailbox import letters_to

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(autouse=True)
def _request():
    enter_request(RequestContext("req-1", "203.0.113.9", "phone"))
    yield
    enter_request(RequestContext())


def post(*args, **options) -> None:
    with transaction.atomic():
        security_notices().post(*args, **options)


def test_says_what_happened_when_and_from_where(settings):
    settings.APPLICATION_URL = "https://app.example.com"
    user = make_user(email="ann@example.com")
    post(user.pk, SecurityNotice.PASSWORD_CHANGED, "1")
    (letter,) = letters_to("ann@example.com")
    assert letter.kind == "security_notice"
    assert letter.context.pop("moment").endswith(" UTC")
    assert letter.context == {
        "what": "Your password was changed.",
        "by_staff": "",
        "address": "203.0.113.9",
        "agent": "phone",
        "link": "https://app.example.com/account/security",
        "reset_link": "https://app.example.com/account/forgot-password",
    }


@pytest.mark.parametrize("actor", [OPERATOR, staff_of(2**40)])
def test_does_not_say_from_where_staff_work(actor):
    user = make_user(email="ann@example.com")
    post(user.pk, SecurityNotice.SECOND_FACTORS_RESET, "1", actor)
    (letter,) = letters_to("ann@example.com")
    assert letter.context["by_staff"] == "yes"
    assert "203.0.113.9" not in repr(letter.context)


def test_tells_of_the_same_once_and_of_another_again():
    user = make_user(email="ann@example.com")
    for key, what in (
        ("1", SecurityNotice.TOKEN_REUSED),
        ("1", SecurityNotice.TOKEN_REUSED),
        ("2", SecurityNotice.TOKEN_REUSED),
    ):
        post(user.pk, what, key, session_of(user.pk))
    post(user.pk, SecurityNotice.NEW_DEVICE, "1")
    assert len(letters_to("ann@example.com")) == 3
