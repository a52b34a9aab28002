"""Deletes what signing in keeps of a person, by Django's ORM on the calling thread, until erasure is asynchronous."""

from datetime import datetime

from apps.authentication.models import Session
from apps.authentication.repositories.login_attempt_repository import SQL
from apps.core.database.transactions import run_statement


class OldSessionDataRepository:
    """Works in the transaction that is open on the calling thread."""

    def delete_sessions(self, user_id: int) -> None:
        """Delete all sessions of the account."""
        Session.objects.filter(user_id=user_id).delete()

    def delete_login_attempts(self, account: str, until: datetime) -> None:
        """Delete the account's counts of wrong passwords, and the clients remembered until then."""
        run_statement(SQL["delete_until"], {"account": account, "until": until})
