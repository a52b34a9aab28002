"""Reads what the customer page shows, from the services of the apps below, which check the rights."""

from dataclasses import dataclass

from apps.api_keys.schemas.key_overview import KeyOverview
from apps.api_keys.services.customer_keys import CustomerKeys
from apps.audit.schemas.trail_event import TrailEventOut
from apps.audit.services.account_trail import AccountTrail
from apps.authentication.schemas.lockout import LockoutOut
from apps.authentication.services.lockouts import Lockouts
from apps.authentication.services.session_service import AccountSessions
from apps.backoffice.schemas.customer_page import CustomerHeader, CustomerSecurity, LedgerLine
from apps.core.authorization.catalogue import AUDIT_READ, CREDITS_READ, KEYS_READ, SECURITY_READ, STAFF_READ
from apps.core.authorization.principal import Principal
from apps.core.schemas.page import CursorPage, CursorQuery
from apps.credits.services.credit_service import CreditService
from apps.identities.services.identity_service import IdentityService
from apps.plans.services.plan_service import PlanService
from apps.second_factors.services.second_factors import SecondFactors
from apps.usage.schemas.call import Call
from apps.usage.schemas.usage_event import CallsOfHour, CallsToday
from apps.usage.schemas.usage_export import UsageExportQuery
from apps.usage.schemas.usage_report import UsageQuery, UsageReport
from apps.usage.services.usage_service import UsageService
from apps.users.schemas.account_note import NoteOut
from apps.users.schemas.account_overview import AccountOverview, AccountState
from apps.users.services.note_service import NoteService
from apps.users.services.user_service import UserService
from apps.verification.services.account_usage import AccountUsage, UsageFile

REFUSALS_SHOWN = 10
ENDED = {AccountState.SUSPENDED, AccountState.DELETED, AccountState.ERASED}


@dataclass(frozen=True, kw_only=True)
class CustomerPage:
    """Reads the header and each tab. A part that the actor may not read is None; a tab as a whole raises.

    Every method raises NotAllowed, InsufficientScopes; `header` raises NotFound.
    """

    users: UserService
    notes: NoteService
    credits: CreditService
    keys: CustomerKeys
    usage: UsageService
    trail: AccountTrail
    lockouts: Lockouts
    sessions: AccountSessions
    factors: SecondFactors
    identities: IdentityService
    account_usage: AccountUsage
    plans: PlanService

    async def header(self, actor: Principal, user_id: int) -> CustomerHeader:
        """Return the account, deleted or not, with what the actor may read of it at a glance."""
        account = await self.users.overview(actor, user_id)
        keys = await self.keys.newest(actor, user_id) if actor.has_scope(KEYS_READ) else None
        ids = [key.id for key in keys.newest] if keys else []
        # Sign-ins to a suspended or deleted account are refused, locked out or not.
        reads_lockouts = account.is_active and actor.has_scope(SECURITY_READ)
        return CustomerHeader(
            account=account,
            balance=await self.credits.balance_of(actor, user_id) if actor.has_scope(CREDITS_READ) else None,
            keys=keys,
            refusals=await self.usage.last_refusals(ids) if keys else None,
            lockouts=await self._lockouts(actor, account) if reads_lockouts else None,
            ended_by=await self._ended_by(actor, account),
        )

    async def calls_today(self, header: CustomerHeader) -> CallsToday | None:
        """Return the number of calls since midnight (UTC), for a header that was read for the actor."""
        if header.keys is None:
            return None
        return await self.usage.calls_today(header.account.id, [key.id for key in header.keys.newest])

    async def calls_by_hour(self, header: CustomerHeader) -> list[CallsOfHour]:
        """Return the calls of the last 24 hours, for a header that was read for the actor."""
        if header.keys is None:
            return []
        return await self.usage.calls_by_hour(header.account.id, [key.id for key in header.keys.newest])

    async def refused_calls(self, header: CustomerHeader) -> list[tuple[Call, str]]:
        """Return the last refused calls with the names of their keys, for a header that was read for the actor."""
        if header.keys is None:
            return []
        calls = await self.usage.refused_calls_of_customer(header.account.id, REFUSALS_SHOWN)
        return [(call, header.name_of(call.key_id or 0)) for call in calls]

    async def keys_of(self, actor: Principal, header: CustomerHeader, query: CursorQuery) -> CursorPage[KeyOverview]:
        """Return a part of the keys."""
        return await self.keys.part(actor, header.account.id, query)

    async def usage_of(self, actor: Principal, header: CustomerHeader, query: UsageQuery) -> UsageReport:
        """Return the usage over a period."""
        return await self.account_usage.of_customer(actor, header.account.id, query)

    async def calls_of(self, actor: Principal, user_id: int, query: UsageExportQuery) -> UsageFile:
        """Return the calls as a file; raises NotFound."""
        account = await self.users.overview(actor, user_id)
        return await self.account_usage.export_of_customer(actor, account.id, query)

    async def ledger_of(self, actor: Principal, header: CustomerHeader, query: CursorQuery) -> CursorPage[LedgerLine]:
        """Return a part of the ledger; entries of usage have the keys and requests that they charge."""
        part = await self.credits.ledger_of(actor, header.account.id, query)
        used = {entry.id: entry.occurred_at for entry in part.items if entry.type == "usage"}
        may_read = bool(used) and actor.has_scope(KEYS_READ)
        calls = await self.usage.charged_calls(header.account.id, used) if may_read else {}
        lines = [
            LedgerLine(entry, [(each, header.name_of(each.api_key_id)) for each in calls.get(entry.id, [])])
            for entry in part.items
        ]
        return CursorPage[LedgerLine](items=lines, next_cursor=part.next_cursor)

    async def security_of(self, actor: Principal, header: CustomerHeader) -> CustomerSecurity:
        """Return the ways to sign in to the account."""
        account = header.account
        is_staff = account.is_staff or account.is_superuser
        may_see = not is_staff or account.id == actor.user_id or actor.has_scope(STAFF_READ)
        sessions = await self.sessions.of_customer(actor, account.id, is_staff=is_staff) if may_see else None
        return CustomerSecurity(
            sessions=sessions,
            factors=await self.factors.overview(actor, account.id),
            identities=await self.identities.of_customer(actor, account.id),
        )

    async def timeline_of(
        self, actor: Principal, header: CustomerHeader, query: CursorQuery
    ) -> tuple[CursorPage[TrailEventOut], dict[int, str]]:
        """Return a part of the events about and by the account, and the names of the plans in it, by id."""
        part = await self.trail.part(actor, header.account.id, query)
        ids = {values.get("plan_id") for each in part.items for values in (each.before, each.after)}
        return part, await self.plans.names_of({each for each in ids if isinstance(each, int)})

    async def notes_of(self, actor: Principal, header: CustomerHeader, query: CursorQuery) -> CursorPage[NoteOut]:
        """Return a part of the notes."""
        return await self.notes.part(actor, header.account.id, query)

    async def _lockouts(self, actor: Principal, account: AccountOverview) -> list[LockoutOut]:
        return await self.lockouts.of(actor, account.id, account.email, account.locked_until)

    async def _ended_by(self, actor: Principal, account: AccountOverview) -> TrailEventOut | None:
        if account.state not in ENDED or not actor.has_scope(AUDIT_READ):
            return None
        return await self.trail.end_of_access(actor, account.id)
