"""Balances."""

from apps.credits.models.credit_balance import CreditBalance

__all__ = ["CreditBalance"]
