"""Builds this app's services."""

from functools import cache

from apps.audit.dependencies import audit_trail
from apps.credits.repositories.credit_approval_repository import CreditApprovalRepository
from apps.credits.repositories.credit_repository import CreditRepository
from apps.credits.services.credit_approval_service import CreditApprovalService
from apps.credits.services.credit_service import CreditService
from apps.credits.services.in_transaction.approval_messages import ApprovalMessages
from apps.credits.services.in_transaction.approval_requests import ApprovalRequests
from apps.credits.services.in_transaction.balances import Balances
from apps.credits.services.in_transaction.postings import Postings
from apps.credits.services.personal_data import CreditsPersonalData
from apps.mail.dependencies import message_queue
from apps.users.dependencies import accounts, scopes_of_accounts, user_service


@cache
def credit_service() -> CreditService:
    """Return the credit service."""
    return CreditService(CreditRepository(), user_service(), accounts(), _postings(), _approval_requests())


@cache
def credit_approval_service() -> CreditApprovalService:
    """Return the service that decides about postings which need a second person."""
    return CreditApprovalService(
        CreditApprovalRepository(),
        _approval_requests(),
        _postings(),
        _approval_messages(),
        accounts(),
        scopes_of_accounts(),
    )


@cache
def balances() -> Balances:
    """Return the service that locks balances in the caller's transaction."""
    return Balances(CreditRepository())


@cache
def credits_personal_data() -> CreditsPersonalData:
    """Return the service that exports balances and the ledger, and erases the texts of approvals."""
    return CreditsPersonalData(CreditRepository(), CreditApprovalRepository())


def _postings() -> Postings:
    return Postings(CreditRepository(), audit_trail())


def _approval_messages() -> ApprovalMessages:
    return ApprovalMessages(accounts(), scopes_of_accounts(), message_queue())


def _approval_requests() -> ApprovalRequests:
    return ApprovalRequests(CreditApprovalRepository(), CreditRepository(), _approval_messages(), audit_trail())
