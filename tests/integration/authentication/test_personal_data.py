"""What signing in keeps of a person: exported, and erased with the account."""

from datetime import timedelta

from django.utils import timezone

from apps.authentication.dependencies import authentication_personal_data
from apps.authentication.models import LoginAttempt, Session
from apps.authentication.repositories.login_attempt_repository import LoginAttemptRepository
from apps.core.database.transaction import transaction
from tests.support.accounts import customer
from tests.support.guessing import ELSEWHERE, HOME
from tests.support.orm import make, rows
from tests.support.sessions import sign_in

ANN = "ann@example.com"


async def test_export_holds_all_sessions_without_their_secrets(database: None):
    me, _ = await customer(), await customer()
    await make(sign_in, me.user)
    await make(Session.objects.filter(user_id=me.id).update, revoked_at=timezone.now())
    exported = await authentication_personal_data().export(me.id)
    assert exported["total"] == len(exported["items"]) == 2
    assert "family_digest" not in exported["items"][0].model_dump()


async def test_erasure_deletes_the_sessions_of_the_account_only(database: None):
    me, other = await customer(), await customer()
    async with transaction():
        await authentication_personal_data().erase(me.id)
    assert [session.user_id for session in await rows(Session.objects.all())] == [other.id]


async def test_erasure_of_an_address_keeps_clients_that_have_signed_in_since(database: None):
    attempts = LoginAttemptRepository()
    for address in (HOME, ELSEWHERE):
        assert await attempts.count_right(ANN, address) == 0
    deleted_at = timezone.now() - timedelta(days=1)
    await make(LoginAttempt.objects.filter(client_address=HOME).update, signed_in_at=deleted_at)
    async with transaction():
        await authentication_personal_data().erase_address(ANN.upper(), deleted_at)
    assert [attempt.client_address for attempt in await rows(LoginAttempt.objects.all())] == [ELSEWHERE]
