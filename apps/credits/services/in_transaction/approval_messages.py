"""Notifies members of staff by mail of postings that wait for approval, and of what became of them."""

from datetime import datetime, timedelta

from apps.core.values.amounts import amount_text
from apps.credits.models import CreditApproval
from apps.credits.services.posting_rules import SCOPES
from apps.mail.domain.message import FIVE_AN_HOUR, MailMessage
from apps.mail.services.in_transaction.message_queue import MessageQueue
from apps.users.services.in_transaction.accounts import Accounts, HeldScopes, ScopeHolder
from apps.users.services.in_transaction.security_notifier import moment_text

REQUESTED, DECIDED = "credit_approval_requested", "credit_approval_decided"
APPROVERS_MAXIMUM = 20
HOUR = timedelta(hours=1)
# A transaction that has begun before the end of the hour has committed by then, or never will.
MARGIN_SECONDS = 60


class ApprovalMessages:
    """Enqueues messages to those who may approve a posting, and to the person who asked for it.

    A posting notifies up to APPROVERS_MAXIMUM people. Each of them gets up to five messages about single postings an
    hour; about further ones, one message at the end of the hour, which leads to the list. (Concurrent postings to
    different customers may add a few, because no lock counts them.)
    """

    def __init__(self, accounts: Accounts, staff: HeldScopes, queue: MessageQueue) -> None:
        self._accounts = accounts
        self._staff = staff
        self._queue = queue

    async def notify_approvers(self, approval: CreditApproval) -> None:
        """Notify those who may approve the posting: neither the person who asked for it, nor the customer."""
        context = {
            **await self._subject(approval),
            "requester": await self._address(approval.requested_by_id),
            "reason": approval.reason,
            "description": approval.description,
            "expires": moment_text(approval.expires_at),
        }
        excluded = [approval.requested_by_id, approval.user_id]
        for approver in await self._staff.holders(SCOPES[approval.type], excluded, APPROVERS_MAXIMUM):
            await self._notify_approver(approver, approval, context)

    async def notify_requester(self, approval: CreditApproval) -> None:
        """Tell the person who asked what became of the posting, unless that person has lost the right to post it."""
        requester = await self._staff.holder(approval.requested_by_id, SCOPES[approval.type])
        if requester is None:
            return
        decider = "" if approval.decided_by_id is None else await self._address(approval.decided_by_id)
        outcome = {"state": approval.state, "decider": decider, "decision_reason": approval.decision_reason}
        context = {**await self._subject(approval), **outcome}
        key = f"{DECIDED}:{approval.pk}"
        await self._queue.enqueue(MailMessage(DECIDED, requester.email, key, requester.user_id, context))

    async def _notify_approver(self, approver: ScopeHolder, approval: CreditApproval, context: dict[str, str]) -> None:
        user_id, key = approver.user_id, f"{REQUESTED}:{approval.pk}:{approver.user_id}"
        message = MailMessage(REQUESTED, approver.email, key, user_id, context)
        if await self._queue.wait_seconds_for_account(user_id, [REQUESTED], FIVE_AN_HOUR):
            message = _gathered(approver, approval.requested_at)
        await self._queue.enqueue(message)

    async def _subject(self, approval: CreditApproval) -> dict[str, str]:
        return {
            "approval_id": str(approval.pk),
            "amount": amount_text(approval.amount),
            "type": approval.get_type_display(),
            "customer": await self._address(approval.user_id),
        }

    async def _address(self, user_id: int) -> str:
        recipient = await self._accounts.mail_recipient(user_id)
        return f"account {user_id}" if recipient is None else recipient.address


def _gathered(approver: ScopeHolder, moment: datetime) -> MailMessage:
    """Return the message about all postings of the hour that had no message of their own."""
    hour = moment.replace(minute=0, second=0, microsecond=0)
    wait_seconds = (hour + HOUR - moment).seconds + MARGIN_SECONDS
    key = f"{REQUESTED}:{approver.user_id}:{hour:%Y-%m-%dT%H}"
    return MailMessage(
        REQUESTED, approver.email, key, approver.user_id, {"approval_id": ""}, delay_seconds=wait_seconds
    )
