"""`manage.py clean_up`."""

from typing import Any

from django.core.management import call_command

from apps.authentication.dependencies import clean_up
from apps.authentication.schemas import CleanedUp
from apps.core.database.sync_calls import call_service
from apps.core.management.service_command import ServiceCommand
from apps.oauth.dependencies import revoked_clean_up
from apps.one_time_tokens.dependencies import token_clean_up
from apps.usage.dependencies import usage_service
from apps.verification.dependencies import answer_clean_up


class Removed(CleanedUp):
    """How many rows of each kind were over, in all rooms."""

    one_time_tokens: int
    revoked_tokens: int
    verification_answers: int
    usage_denials: int


class Command(ServiceCommand):
    """Removes what is over. Safe at any time, and any number at once."""

    help = (
        "Remove forgiven login attempts, sessions that were over and signing keys that retired 30 days ago, expired "
        "sessions of the admin, revoked tokens that ended an hour ago, one-time tokens and answers to verifications "
        "of over a day ago, and counts of refused calls of over 90 days ago."
    )

    def run(self, options: dict[str, Any]) -> None:
        """Remove it, and show how much it was."""
        removed = call_service(clean_up().run)
        answers = call_service(answer_clean_up().run)
        denials = call_service(usage_service().remove_old_denials)
        tokens = call_service(token_clean_up().run)
        call_command("clearsessions")
        revoked = call_service(revoked_clean_up().run)
        elsewhere = {"one_time_tokens": tokens, "verification_answers": answers, "usage_denials": denials}
        self.show(Removed(**removed.model_dump(), **elsewhere, revoked_tokens=revoked), options)
