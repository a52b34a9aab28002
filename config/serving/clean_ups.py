"""What is removed when it is over, in all rooms: by the job `clean-up`, and by `manage.py clean_up`."""

from apps.authentication.dependencies import session_clean_up
from apps.core.background.clean_up_tasks import Part
from apps.mail.dependencies import mail_service
from apps.oauth.dependencies import revocation
from apps.one_time_tokens.dependencies import token_clean_up
from apps.personal_data.dependencies import erasure
from apps.second_factors.dependencies import attempt_clean_up
from apps.usage.dependencies import usage_service
from apps.users.dependencies import confirmed_registration
from apps.verification.dependencies import answer_clean_up


def clean_ups() -> dict[str, Part]:
    """Return what removes each kind of rows, in small batches, and tells how many.

    Each passes over rows that are in use, and over those that another removes at the same time.
    """
    return {
        "login_attempts": session_clean_up().login_attempts,
        "sessions": session_clean_up().sessions,
        "signing_keys": session_clean_up().signing_keys,
        "admin_sessions": session_clean_up().admin_sessions,
        "one_time_tokens": token_clean_up().run,
        "revoked_tokens": revocation().remove_expired,
        "pending_registrations": confirmed_registration().remove_old,
        "second_factor_attempts": attempt_clean_up().run,
        "verification_answers": answer_clean_up().run,
        "usage_denials": usage_service().remove_old_denials,
        "erased_accounts": erasure().run,
        "outgoing_mails": mail_service().remove_old,
    }
