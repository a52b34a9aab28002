"""Reads and writes sessions."""

import secrets
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from django.db.models.functions import Now

from apps.audit.domain.audit_entry import AuditEntry, RecordAudit
from apps.authentication.models import Session
from apps.authentication.repositories.account_of_session import AccountOfSession
from apps.authentication.repositories.known_devices import NewSession, is_known_device
from apps.authentication.repositories.live_sessions import (
    end,
    end_all,
    live,
    live_session,
    live_session_of_admin,
    live_sessions_of,
    with_user,
)
from apps.authentication.repositories.refresh_rotation import lock_family, may_be_repeated, rotate
from apps.authentication.repositories.session_life import SessionLife
from apps.core.database.orm.queries import fetch_one
from apps.core.database.sql_files import load_statements
from apps.core.database.statements import fetch_rows
from apps.core.database.transactions import run_in_transaction
from apps.core.errors import NotAuthenticated, NotFound, SecondFactorRequired
from apps.users.domain.security_notice import PostNotice, SecurityNotice

SQL = load_statements(Path(__file__).with_name("sessions.sql"))
SIGNED_OUT = "signed out"


class LiveSession(NamedTuple):
    """A session, and whether its owner has proven it within RECENT_AUTHENTICATION_SECONDS by the database's clock."""

    session: Session
    recently_authenticated: bool


class SessionRepository:
    """The sessions' rows. Lock order: the account before its sessions."""

    def __init__(
        self,
        record_audit: RecordAudit,
        post_notice: PostNotice,
        account: AccountOfSession,
        lives: Mapping[str, SessionLife],
    ) -> None:
        self._record_audit = record_audit
        self._post_notice = post_notice
        self._account = account
        self._lives = lives

    async def find_live(self, session_id: int) -> LiveSession | None:
        """Return the session with its user and their roles if it is neither revoked nor over, else None."""
        session = await live_session.first(session_id)
        return LiveSession(session, vars(session)["recently_authenticated"]) if session else None

    async def id_of_family(self, family_digest: bytes) -> int | None:
        """Return the id of the family's session, over or not, or None."""
        session = await fetch_one(Session.objects.filter(family_digest=family_digest))
        return session.pk if session else None

    async def find_live_of_admin(self, session_id: int) -> LiveSession | None:
        """Return the session with its user if it is the admin's, neither revoked nor over, else None.

        It has been used now, which moves its end on; this is written at most once a minute.
        """
        session = await live_session_of_admin.first(session_id)
        if session is None:
            return None
        if vars(session)["is_use_unnoted"]:
            life = self._lives[session.kind]
            bound = {"session_id": session_id, "idle": life.idle, "absolute": life.absolute}
            await fetch_rows(SQL["note_use"], bound)
        return LiveSession(session, vars(session)["recently_authenticated"])

    async def page(self, user_id: int, *, offset: int, size: int) -> tuple[list[Session], int]:
        """Return one page of the user's live sessions, newest first, and how many there are in all."""
        return await live_sessions_of.page(offset, size, user_id)

    async def start(self, new: NewSession, audit: AuditEntry) -> Session:
        """Insert a session and note the sign-in.

        Raises NotAuthenticated if the password is no longer the same, or the account has a second factor by now that
        was not asked for.
        """
        return await run_in_transaction(self._start, new, audit)

    async def advance(self, family_digest: bytes, generation: int, audit_reuse: AuditEntry) -> Session | None:
        """Spend a generation and return its session, now at the next one; None when it cannot be spent.

        One that was spent within REUSE changes nothing: it returns the session as it is, so that whoever lost the
        answer gets it, however many have refreshed meanwhile. Any other spent generation revokes the session.
        Concurrent calls queue on the row.
        """
        return await run_in_transaction(self._advance, family_digest, generation, audit_reuse)

    async def renew_proof(self, session_id: int, user_id: int, methods: tuple[str, ...], audit: AuditEntry) -> None:
        """Note that the session's owner has just proven it again.

        Raises NotFound when it is over, SecondFactorRequired if the account has a second factor that was not shown.
        """
        await run_in_transaction(self._renew_proof, session_id, user_id, methods, audit)

    async def revoke(self, session_id: int, user_id: int, audit: AuditEntry, reason: str = SIGNED_OUT) -> None:
        """End the user's session; raises NotFound when the user has no such live session."""
        await run_in_transaction(self._revoke, session_id, user_id, audit, reason)

    async def revoke_all(self, user_id: int, kept_id: int | None, audit: AuditEntry, reason: str = SIGNED_OUT) -> None:
        """End every session of the user, but one if it is named; where there is none, nothing is audited."""
        await run_in_transaction(self._revoke_all, user_id, kept_id, audit, reason)

    async def live_ids(self) -> range:
        """Return the ids among which those of all live sessions are."""
        ((least, greatest),) = await fetch_rows(SQL["live_ids"])
        return range(least, greatest + 1)

    async def revoke_among(self, ids: range, audit: AuditEntry, reason: str) -> int:
        """End every session with one of the ids, whosever it is, with an event an account; return how many."""
        return await run_in_transaction(self._revoke_among, ids, audit, reason)

    async def change_password(
        self,
        user_id: int,
        password_hash: str,
        kept_id: int | None,
        audit: AuditEntry,
        judged_digest: str | None = None,
    ) -> None:
        """Store a new hash and end every session of the user, but one if it is named.

        Raises WrongPassword if the password that was judged, where one was, is another since.
        """
        notice = SecurityNotice.PASSWORD_CHANGED
        await run_in_transaction(
            self.replace_password, user_id, password_hash, kept_id, audit, notice, judged_digest=judged_digest
        )

    def replace_password(
        self,
        user_id: int,
        password_hash: str,
        kept_id: int | None,
        audit: AuditEntry,
        notice: SecurityNotice,
        *,
        judged_digest: str | None = None,
    ) -> None:
        """Store a new hash in the transaction open on this thread, and end what was begun with the one before.

        These are every session of the user, but one if it is named, and every single-use token.
        """
        self._account.set_password(user_id, password_hash, judged_digest)
        end_all(user_id, kept_id, "password changed")
        self._account.void_tokens(user_id)
        self._record_audit(replace(audit, target_id=user_id))
        self._post_notice(user_id, notice, secrets.token_hex(8), audit.actor)

    def _start(self, new: NewSession, audit: AuditEntry) -> Session:
        # An address that nobody has verified keeps customers out where the operator says so, and no staff.
        needs_verified = new.kind is Session.Kind.API
        was_here_before = self._account.note_login(new.user_id, new.judged_digest, needs_verified)
        if self._account.lacks_factor(new.user_id, new.methods):
            raise NotAuthenticated("Sign in again: the account has a second factor by now.")
        is_new_device = was_here_before and not is_known_device(new)
        session = Session.objects.create(
            user_id=new.user_id,
            kind=new.kind,
            family_digest=new.family_digest,
            methods=list(new.methods),
            user_agent=new.user_agent,
            ip_address=new.ip_address,
            last_used_at=Now(),
            expires_at=self._lives[new.kind].of_new(),
        )
        self._record_audit(replace(audit, target_id=session.pk))
        if is_new_device:
            self._post_notice(new.user_id, SecurityNotice.NEW_DEVICE, str(session.pk))
        return with_user(Session.objects.all()).get(pk=session.pk)

    def _advance(self, family_digest: bytes, generation: int, audit_reuse: AuditEntry) -> Session | None:
        session = lock_family(family_digest)
        if session is None:
            return None
        if session.generation == generation:
            rotate(session, self._lives[session.kind])
        elif not may_be_repeated(session, generation):
            end(live().filter(pk=session.pk), "refresh token reused")
            self._record_audit(replace(audit_reuse, target_id=session.pk, subject_id=session.user_id))
            self._post_notice(session.user_id, SecurityNotice.TOKEN_REUSED, str(session.pk))
            return None
        return session

    def _renew_proof(self, session_id: int, user_id: int, methods: tuple[str, ...], audit: AuditEntry) -> None:
        self._account.lock(user_id)
        if self._account.lacks_factor(user_id, methods):
            raise SecondFactorRequired
        session = live().select_for_update(of=("self",)).filter(pk=session_id, user_id=user_id).first()
        if session is None:
            raise NotFound
        session.methods = sorted({*session.methods, *methods})
        session.authenticated_at = Now()
        session.save(update_fields=["methods", "authenticated_at", "updated_at"])
        self._record_audit(audit)

    def _revoke(self, session_id: int, user_id: int, audit: AuditEntry, reason: str) -> None:
        # Locked before it is ended, so that of many who end it at once one finds it live.
        locked = live().select_for_update(of=("self",)).filter(pk=session_id, user_id=user_id)
        if locked.first() is None:
            raise NotFound
        end(Session.objects.filter(pk=session_id), reason)
        self._record_audit(replace(audit, target_id=session_id, subject_id=user_id))

    def _revoke_all(self, user_id: int, kept_id: int | None, audit: AuditEntry, reason: str) -> None:
        ended = end_all(user_id, kept_id, reason)
        if ended:
            self._record_audit(replace(audit, target_id=user_id, after={**audit.after, "session_ids": ended}))

    def _revoke_among(self, ids: range, audit: AuditEntry, reason: str) -> int:
        among = live().filter(pk__gte=ids.start, pk__lt=ids.stop)
        owners = {session.pk: session.user_id for session in among.order_by("id").select_for_update(of=("self",))}
        end(Session.objects.filter(pk__in=owners), reason)
        for user_id in sorted(set(owners.values())):
            ended = [session_id for session_id, owner_id in owners.items() if owner_id == user_id]
            self._record_audit(replace(audit, target_id=user_id, after={**audit.after, "session_ids": ended}))
        return len(owners)
