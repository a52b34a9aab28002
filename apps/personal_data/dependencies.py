"""Builds this app's services."""

from functools import cache

from apps.api_keys.dependencies import key_data
from apps.audit.dependencies import audit_service, audit_trail
from apps.authentication.dependencies import session_data
from apps.core.declarations.installed import app_declarations
from apps.core.declarations.old_personal_data import EraseAddress, ErasePersonalData
from apps.core.declarations.personal_data import PersonalData
from apps.credits.dependencies import ledger_data
from apps.identities.dependencies import identity_data
from apps.mail.dependencies import mail_service
from apps.one_time_tokens.dependencies import account_tokens
from apps.personal_data.services.data_export import DataExport, sections_of
from apps.personal_data.services.erasure import Erasure, erased_by
from apps.personal_data.services.old_erasure import OldErasure
from apps.personal_data.services.old_sections import OldSection
from apps.second_factors.dependencies import second_factors
from apps.usage.dependencies import usage_service
from apps.users.dependencies import account_erasure, account_removal, user_service

# The switch: true once every app declares its personal data. Then delete the `old_…` modules and functions.
READS_DECLARATIONS = False


@cache
def erasure() -> Erasure | OldErasure:
    """Return the service that erases deleted accounts."""
    if not READS_DECLARATIONS:
        return OldErasure(account_removal(), old_erasers(), old_address_erasers())
    return Erasure(account_erasure(), erased_by(app_declarations().values()))


@cache
def data_export() -> DataExport:
    """Return the service that exports personal data."""
    sections = sections_of(app_declarations().values()) if READS_DECLARATIONS else old_sections()
    return DataExport(user_service(), sections, audit_trail())


def old_erasers() -> tuple[ErasePersonalData, ...]:
    """Return what erases each app's part. The ledger stays, and so does usage, which identifies no person."""
    return (
        key_data().erase,
        session_data().erase,
        identity_data().erase,
        second_factors().erase,
        account_tokens().erase,
        mail_service().forget_user,
        audit_service().erase,
    )


def old_address_erasers() -> tuple[EraseAddress, ...]:
    """Return what erases data that apps keep by address alone."""
    return (session_data().erase_address, mail_service().forget_address)


def old_sections() -> dict[str, PersonalData]:
    """Return what exports each app's section."""
    return {
        "api_keys": OldSection(key_data().export),
        "sessions": OldSection(session_data().export),
        "identities": OldSection(identity_data().export),
        "second_factors": OldSection(second_factors().export),
        "credits": OldSection(ledger_data().export),
        "usage": OldSection(usage_service().export),
        "security_events": OldSection(audit_service().export),
    }
