"""A refresh token that is presented again: a lost answer, two refreshes at once, or a thief."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from apps.audit.dependencies import audit_trail
from apps.audit.models import AuditEvent
from apps.authentication import dependencies
from apps.authentication.domain.refresh_token import new_family, read_refresh_token
from apps.authentication.models import Session
from apps.authentication.repositories.live_session_repository import LiveSessionRepository
from apps.authentication.repositories.session_repository import SessionRepository
from apps.authentication.repositories.signing_key_repository import SigningKeyRepository
from apps.authentication.schemas.login import TokenPair
from apps.authentication.services.session_refresh import SessionRefresh
from apps.authentication.services.session_service import SessionService
from apps.authentication.services.signed_tokens import AccessTokens
from apps.authentication.services.signing_keys import KeyRing
from apps.core.database.pool import close_pools
from apps.core.errors import NotAuthenticated
from apps.users.dependencies import security_notifier
from tests.support.factories import make_user
from tests.support.sessions import age_rotations

pytestmark = pytest.mark.usefixtures("database")

WORKERS, ROUNDS = 6, 4


class Worker:
    """The services of a worker, which shares nothing but the database with any other."""

    def __init__(self) -> None:
        tokens = AccessTokens(KeyRing(SigningKeyRepository()), issuer=settings.TOKEN_ISSUER, audience="keyhouse")
        self.sessions = SessionService(LiveSessionRepository(), dependencies.session_revocation(), tokens)
        self.refreshes = SessionRefresh(
            SessionRepository(),
            dependencies.session_lifetimes(),
            tokens,
            security_notifier(),
            audit_trail(),
        )


def refresh(token: str, worker: Worker | None = None) -> TokenPair:
    """Refresh on an event loop of its own, by default on a worker of its own."""

    async def whole() -> TokenPair:
        try:
            return await (worker or Worker()).refreshes.refresh(token)
        finally:
            await close_pools()

    return asyncio.run(whole())


def is_good(pair: TokenPair) -> bool:
    """Return whether another worker believes the pair's access token."""

    async def whole() -> bool:
        try:
            return await Worker().sessions.authenticate(pair.access_token) is not None
        finally:
            await close_pools()

    return asyncio.run(whole())


@pytest.fixture
def first_token(database: None) -> str:
    """The first refresh token of a session."""
    token = new_family()
    make_session(token.family_digest)
    return token.encode()


def make_session(family_digest: bytes, **fields: int) -> Session:
    return Session.objects.create(
        user=make_user(),
        family_digest=family_digest,
        last_used_at="2026-01-01T00:00:00Z",
        expires_at="2999-01-01T00:00:00Z",
        **fields,
    )


def audited() -> list[tuple[str, int | None]]:
    return [(event.action, event.target_id) for event in AuditEvent.objects.order_by("id")]


def assert_is_theft(token: str) -> None:
    with pytest.raises(NotAuthenticated):
        refresh(token)
    session = Session.objects.get()
    assert session.revoked_at is not None
    assert session.revoked_reason == "refresh token reused"
    assert audited() == [("session.reuse_detected", session.pk)]


def test_lost_response_is_repeated(first_token: str):
    missed = refresh(first_token)
    stored = Session.objects.values().get()
    for _ in range(3):
        again = refresh(first_token)
        assert again.refresh_token == missed.refresh_token
        assert is_good(again)
    assert Session.objects.values().get() == stored
    assert stored["generation"] == 1
    assert audited() == []
    assert refresh(missed.refresh_token).refresh_token != missed.refresh_token


@pytest.mark.parametrize("seconds", [5, 9])
def test_retry_within_ten_seconds_is_accepted(first_token: str, seconds: int):
    missed = refresh(first_token)
    age_rotations(seconds)
    assert refresh(first_token).refresh_token == missed.refresh_token


def test_retry_after_ten_seconds_is_theft(first_token: str):
    newest = refresh(first_token)
    age_rotations(10)
    assert_is_theft(first_token)
    assert not is_good(newest)
    with pytest.raises(NotAuthenticated):
        refresh(newest.refresh_token)
    assert len(audited()) == 1


def test_retries_do_not_extend_the_ten_seconds(first_token: str):
    refresh(first_token)
    for _ in range(2):
        age_rotations(3)
        refresh(first_token)
    age_rotations(5)
    assert_is_theft(first_token)


def test_retry_after_further_refreshes_gets_the_newest(first_token: str):
    tokens = [first_token]
    for _ in range(5):
        tokens = [*tokens, refresh(tokens[-1]).refresh_token]
    *spent, newest = tokens
    for token in spent:
        assert refresh(token).refresh_token == newest
    assert (Session.objects.get().generation, audited()) == (5, [])


def test_each_spent_token_has_its_own_ten_seconds(first_token: str):
    second = refresh(first_token).refresh_token
    age_rotations(6)
    third = refresh(second).refresh_token
    age_rotations(3)
    assert refresh(first_token).refresh_token == third  # 9 seconds after it was spent
    age_rotations(1)
    assert refresh(second).refresh_token == third  # 4 seconds after
    assert_is_theft(first_token)  # 10 seconds after


def test_stored_rotations_are_bounded(first_token: str):
    token = first_token
    for _ in range(20):
        token = refresh(token).refresh_token
    assert len(Session.objects.get().earlier_rotations) == 16
    age_rotations(10)
    refresh(token)
    assert Session.objects.get().earlier_rotations == []


def test_newest_token_is_valid_however_late(first_token: str):
    newest = refresh(first_token)
    age_rotations(3600)
    assert is_good(refresh(newest.refresh_token))


def test_session_without_rotation_moments_accepts_no_retry():
    family = new_family()
    make_session(family.family_digest, generation=1)
    assert_is_theft(family.encode())


def test_ended_session_accepts_no_retry(first_token: str):
    refresh(first_token)
    Session.objects.update(revoked_at=F("rotated_at"), revoked_reason="signed out")
    with pytest.raises(NotAuthenticated):
        refresh(first_token)
    assert (Session.objects.get().revoked_reason, audited()) == ("signed out", [])


def while_it_waits(token: str, **left: Any) -> Future[TokenPair]:
    """Refresh while another holds the session's row, who then leaves this behind; return what came of it."""
    with ThreadPoolExecutor(1) as threads, transaction.atomic():
        Session.objects.update(**left)
        waiting = threads.submit(refresh, token)
        wait_until(a_transaction_waits)
    return waiting


def a_transaction_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
        return bool(cursor.fetchone()[0])


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_refresh_that_waited_gets_the_pair_of_the_other(first_token: str):
    pair = while_it_waits(first_token, generation=1, rotated_at=Now()).result()
    token = read_refresh_token(pair.refresh_token)
    assert token is not None
    assert (token.generation, Session.objects.get().generation, audited()) == (1, 1, [])


@pytest.mark.parametrize("seconds", [9, 10])
def test_refresh_that_waited_too_long_is_theft(first_token: str, seconds: int):
    spent_at = timezone.now() - timedelta(seconds=seconds)
    waiting = while_it_waits(first_token, generation=2, rotated_at=Now(), earlier_rotations=[spent_at])
    if seconds < 10:
        token = read_refresh_token(waiting.result().refresh_token)
        assert token is not None
        assert (token.generation, audited()) == (2, [])
        return
    with pytest.raises(NotAuthenticated):
        waiting.result()
    assert [action for action, _ in audited()] == ["session.reuse_detected"]
    assert Session.objects.get().generation == 2


def test_refresh_that_waited_for_the_end_of_the_session_is_refused(first_token: str):
    with pytest.raises(NotAuthenticated):
        while_it_waits(first_token, revoked_at=Now(), revoked_reason="signed out").result()
    assert (Session.objects.get().generation, audited()) == (0, [])


def test_concurrent_refreshes_on_many_workers_end_no_session(first_token: str):
    barrier = Barrier(WORKERS)

    def follow(_number: int) -> list[TokenPair]:
        worker, pairs, token = Worker(), [], first_token
        for _ in range(ROUNDS):
            barrier.wait(timeout=30)
            pairs.append(refresh(token, worker))
            token = pairs[-1].refresh_token
        return pairs

    with ThreadPoolExecutor(WORKERS) as threads:
        followed = list(threads.map(follow, range(WORKERS)))
    for same_round in zip(*followed, strict=True):
        assert len({pair.refresh_token for pair in same_round}) == 1
    assert all(is_good(pair) for pairs in followed for pair in pairs)
    session = Session.objects.get()
    assert (session.generation, session.revoked_at, audited()) == (ROUNDS, None, [])
