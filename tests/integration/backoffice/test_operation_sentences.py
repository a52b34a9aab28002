"""The confirmation page and the success message of each operation are whole sentences."""

import re
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client

from apps.core.admin.operation_pages import OperationPages
from tests.integration.backoffice.pages import KEYS, SESSIONS, USERS, text_of
from tests.support.factories import make_key, make_user
from tests.support.staff_browser import admin_session

pytestmark = pytest.mark.integration

EMAIL = "ann@example.com"


def _asked(response: Any) -> str:
    found = re.search(r"<h1>([^<]*)</h1>", text_of(response))
    assert found
    return found[1]


def _message(response: Any) -> str:
    (found,) = re.findall(r'<li class="success">([^<]*)</li>', text_of(response))
    return str(found)


@pytest.mark.parametrize(
    ("operation", "question", "answer"),
    [
        (
            "send-password-reset",
            "Send a password reset message to customer “ann@example.com”?",
            "Password reset message sent to customer “ann@example.com”.",
        ),
        ("deactivate", "Suspend customer “ann@example.com”?", "Customer “ann@example.com” suspended."),
        ("delete", "Delete customer “ann@example.com”?", "Customer “ann@example.com” deleted."),
    ],
)
def test_operations_of_an_account(browser: Client, operation: str, question: str, answer: str):
    page = f"{USERS}{operation}/?id={make_user(email=EMAIL).pk}"
    assert _asked(browser.get(page)) == question
    assert _message(browser.post(page, follow=True)) == answer


def test_operations_of_a_session(browser: Client):
    session = admin_session(make_user(email=EMAIL))
    for operation, question in (
        ("end", f"End the session of {EMAIL}?"),
        ("end_everywhere", f"End all sessions of {EMAIL}?"),
    ):
        assert _asked(browser.get(f"{SESSIONS}{operation}/?id={session.pk}")) == question
    message = _message(browser.post(f"{SESSIONS}end_everywhere/?id={session.pk}", follow=True))
    assert message == f"All sessions of {EMAIL} ended."


def test_operations_of_a_key(browser: Client):
    page = f"{KEYS}revoke/?id={make_key(name='ours').id}"
    assert _asked(browser.get(page)) == "Revoke API key “ours”?"
    assert _message(browser.post(page, follow=True)) == "API key “ours” revoked."


def test_operations_of_several_rows(browser: Client):
    users = [make_user() for _ in range(2)]
    page = f"{USERS}send-password-reset/?id={users[0].pk}&id={users[1].pk}"
    assert _asked(browser.get(page)) == "Send a password reset message to 2 customers?"
    assert _message(browser.post(page, follow=True)) == "Password reset message sent to 2 customers."
    assert (
        '<option value="send-password-reset_selected">Send a password reset message to selected customers<'
        in text_of(browser.get(USERS))
    )


def test_every_operation_names_its_rows():
    lists = [pages for pages in admin.site._registry.values() if isinstance(pages, OperationPages)]
    operations = [operation for pages in lists for operation in pages.offered_operations]
    assert {"activate", "export", "reset_second_factors", "unlink", "rotate"} <= {each.name for each in operations}
    for operation in operations:
        assert ("{rows}" in operation.title) or ("{owner}" in operation.title and not operation.in_bulk)
        assert ("{rows}" in operation.done) == ("{rows}" in operation.title)
        assert not operation.title.endswith(("?", "."))
        assert not operation.done.endswith(".")
        assert operation.explanation.endswith(".")
