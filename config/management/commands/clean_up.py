"""`manage.py clean_up`."""

from typing import Any

from apps.core.event_loop.sync_calls import call_service
from apps.core.management.service_command import ServiceCommand
from apps.core.schemas.base import ResponseSchema
from config.serving.clean_ups import clean_ups


class Removed(ResponseSchema):
    """How many rows of each kind were over, in all rooms."""

    login_attempts: int
    sessions: int
    admin_sessions: int
    signing_keys: int
    one_time_tokens: int
    revoked_tokens: int
    pending_registrations: int
    verification_answers: int
    usage_denials: int
    second_factor_attempts: int
    erased_accounts: int
    outgoing_mails: int


class Command(ServiceCommand):
    """Removes what is over now, as servers do every hour. Safe at any time, and any number at once."""

    help = (
        "Remove forgiven login attempts and wrong codes, sessions that were over 90 days ago, signing keys that "
        "retired 30 days ago, expired sessions of the admin, one-time tokens and answers to verifications of over a "
        "day ago, revoked tokens that ended an hour ago, counts of refused calls of over 90 days ago, sign-ups that "
        "nobody has confirmed for two days, and letters that were sent or given up 30 days ago. Erase whose the "
        "accounts were that were deleted ERASE_AFTER_DAYS ago."
    )

    def run(self, options: dict[str, Any]) -> None:
        """Remove it, and show how much it was."""
        removed = {name: call_service(remove) for name, remove in clean_ups().items()}
        self.show(Removed(**removed), options)
