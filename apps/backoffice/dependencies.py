"""Builds this app's services."""

from functools import cache

from apps.api_keys.dependencies import customer_keys
from apps.audit.dependencies import account_trail
from apps.authentication.dependencies import account_sessions, lockouts
from apps.backoffice.services.customer_page import CustomerPage
from apps.credits.dependencies import credit_service
from apps.identities.dependencies import identity_service
from apps.plans.dependencies import plan_service
from apps.second_factors.dependencies import second_factors
from apps.usage.dependencies import usage_service
from apps.users.dependencies import note_service, user_service
from apps.verification.dependencies import account_usage


@cache
def customer_page() -> CustomerPage:
    """Return the service that reads what the customer page shows."""
    return CustomerPage(
        users=user_service(),
        notes=note_service(),
        credits=credit_service(),
        keys=customer_keys(),
        usage=usage_service(),
        trail=account_trail(),
        lockouts=lockouts(),
        sessions=account_sessions(),
        factors=second_factors(),
        identities=identity_service(),
        account_usage=account_usage(),
        plans=plan_service(),
    )
