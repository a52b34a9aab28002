"""`manage.py grant_credits`."""

import io
import json
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from apps.audit.models import AuditEvent
from apps.credits.models import CreditBalance, CreditTransaction
from tests.support.factories import make_approval, make_staff, make_user

pytestmark = pytest.mark.usefixtures("database")


def grant(*arguments: str) -> str:
    out = io.StringIO()
    call_command("grant_credits", *arguments, stdout=out)
    return out.getvalue()


def grant_json(*arguments: str) -> Any:
    return json.loads(grant(*arguments, "--json"))


def test_the_command_posts_and_prints_the_entry():
    user = make_user()
    posted = grant_json(user.email.upper(), "12.50", "--description", "welcome", "--reference-id", "r1")
    entry = CreditTransaction.objects.get()
    assert (posted["id"], posted["amount"], posted["balance_after"]) == (entry.pk, "12.500000", "12.500000")
    assert (entry.type, entry.description, entry.reference_id) == ("top_up", "welcome", "r1")
    event = AuditEvent.objects.get()
    assert (event.action, event.actor_kind, event.actor_id, event.target_id) == (
        "credits.posted",
        "operator",
        None,
        user.pk,
    )


def test_the_command_prints_a_line_for_each_field():
    assert "balance_after: 7.000000" in grant(make_user().email, "7").splitlines()


def test_the_command_needs_no_approval_and_posts_nothing_that_waits_for_one(settings):
    settings.CREDIT_APPROVAL_ABOVE = Decimal(100)
    user = make_user()
    assert grant_json(user.email, "500", "--reference-id", "r1")["balance_after"] == "500.000000"
    waiting = make_approval(user, make_staff(), type="top_up", reference_id="r2")
    shown = grant_json(user.email, "500", "--reference-id", "r2")
    assert (shown["id"], shown["state"]) == (waiting.pk, "pending")
    assert CreditBalance.objects.get(pk=user.pk).balance == 500


def test_the_command_posts_negative_adjustments():
    user = make_user()
    grant(user.email, "10")
    posted = grant_json(user.email, "-4.5", "--type", "adjustment", "--description", "twice")
    assert posted["balance_after"] == "5.500000"


@pytest.mark.parametrize("kind", ["top_up", "goodwill", "refund", "adjustment"])
def test_the_command_posts_every_kind(kind):
    assert grant_json(make_user().email, "1", "--type", kind, "--description", "x")["type"] == kind


def test_the_command_keeps_the_internal_reason_from_the_customer():
    posted = grant(make_user().email, "1", "--description", "sorry", "--internal-reason", "threatens to leave")
    assert "threatens" not in posted
    assert AuditEvent.objects.get().reason == "threatens to leave"


def test_the_command_takes_the_former_names_of_the_description_and_the_reference():
    posted = grant_json(make_user().email, "1", "--reason", "welcome", "--reference", "r1")
    assert (posted["description"], posted["reference_id"]) == ("welcome", "r1")


def test_the_command_posts_a_reference_once():
    user = make_user()
    assert grant(user.email, "10", "--reference-id", "r1") == grant(user.email, "10", "--reference-id", "r1")
    assert CreditBalance.objects.get(pk=user.pk).balance == 10


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nobody@example.com", "1"], "No account has this e-mail address."),
        (["OWNER", "0"], "amount: must not be zero"),
        (["OWNER", "1e3"], "amount: must be a decimal"),
        (["OWNER", "-1"], "amount: must be positive"),
        (["OWNER", "-1", "--type", "adjustment"], "description: must be given"),
        (
            ["OWNER", "-1", "--type", "adjustment", "--description", "x"],
            "The balance is too low for this amount. amount: The balance is 0",
        ),
        (["OWNER", "1", "--reference-id", " "], "reference_id: "),
        (["OWNER", "1", "--type", "usage"], "invalid choice"),
        (["GONE", "1"], "No account has this e-mail address."),
    ],
)
def test_the_command_reports_errors_in_one_line(arguments: list[str], message: str):
    named = {"OWNER": make_user().email, "GONE": make_user(deleted_at=timezone.now()).email}
    with pytest.raises(CommandError, match=r"\A[^\n]+\Z") as refusal:
        grant(*[named.get(argument, argument) for argument in arguments])
    assert message in str(refusal.value)
    assert not CreditTransaction.objects.exists()
