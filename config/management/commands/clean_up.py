"""`manage.py clean_up`."""

from typing import Any

from django.core.management import call_command

from apps.authentication.dependencies import session_clean_up
from apps.authentication.schemas import SessionCleanedUp
from apps.core.database.sync_calls import call_service
from apps.core.management.service_command import ServiceCommand
from apps.mail.dependencies import mail_service
from apps.oauth.dependencies import revocation
from apps.one_time_tokens.dependencies import token_clean_up
from apps.personal_data.dependencies import erasure
from apps.second_factors.dependencies import attempt_clean_up
from apps.usage.dependencies import usage_service
from apps.users.dependencies import confirmed_registration
from apps.verification.dependencies import answer_clean_up


class Removed(SessionCleanedUp):
    """How many rows of each kind were over, in all rooms."""

    one_time_tokens: int
    revoked_tokens: int
    pending_registrations: int
    verification_answers: int
    usage_denials: int
    second_factor_attempts: int
    erased_accounts: int
    outgoing_mails: int


class Command(ServiceCommand):
    """Removes what is over. Safe at any time, and any number at once."""

    help = (
        "Remove forgiven login attempts and wrong codes, sessions that were over 90 days ago, signing keys that "
        "retired 30 days ago, expired sessions of the admin, one-time tokens and answers to verifications of over a "
        "day ago, revoked tokens that ended an hour ago, counts of refused calls of over 90 days ago, sign-ups that "
        "nobody has confirmed for two days, and letters that were sent or given up 30 days ago. Erase whose the "
        "accounts were that were deleted ERASE_AFTER_DAYS ago."
    )

    def run(self, options: dict[str, Any]) -> None:
        """Remove it, and show how much it was."""
        removed = call_service(session_clean_up().run)
        answers = call_service(answer_clean_up().run)
        denials = call_service(usage_service().remove_old_denials)
        elsewhere = {
            "one_time_tokens": call_service(token_clean_up().run),
            "revoked_tokens": call_service(revocation().remove_expired),
            "pending_registrations": call_service(confirmed_registration().remove_old),
            "second_factor_attempts": call_service(attempt_clean_up().run),
            "verification_answers": answers,
            "usage_denials": denials,
            "erased_accounts": call_service(erasure().run),
            "outgoing_mails": call_service(mail_service().remove_old),
        }
        call_command("clearsessions")
        self.show(Removed(**removed.model_dump(), **elsewhere), options)
