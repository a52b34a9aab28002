"""Builds this room's services: here each room that keeps something of a person is named."""

from functools import cache

from apps.api_keys.dependencies import key_data
from apps.audit.dependencies import audit_service
from apps.authentication.dependencies import session_data
from apps.core.declarations.old_personal_data import EraseAddress, ErasePersonalData, ExportSection
from apps.credits.dependencies import ledger_data
from apps.identities.dependencies import identity_data
from apps.mail.dependencies import mail_service
from apps.one_time_tokens.dependencies import account_tokens
from apps.personal_data.services.data_export import DataExport
from apps.personal_data.services.erasure import Erasure
from apps.second_factors.dependencies import second_factors
from apps.usage.dependencies import usage_service
from apps.users.dependencies import account_removal, user_service


@cache
def erasure() -> Erasure:
    """Return the service that erases accounts."""
    return Erasure(account_removal(), erasers(), address_erasers())


@cache
def data_export() -> DataExport:
    """Return the service that exports what is kept of a person."""
    return DataExport(user_service(), sections(), audit_service().note)


def erasers() -> tuple[ErasePersonalData, ...]:
    """Return what erases each room's part. The ledger stays, and so does usage, which names nobody."""
    return (
        key_data().erase,
        session_data().erase,
        identity_data().erase,
        second_factors().erase,
        account_tokens().erase,
        mail_service().forget_user,
        audit_service().erase,
    )


def address_erasers() -> tuple[EraseAddress, ...]:
    """Return what erases what rooms keep under an address alone."""
    return (session_data().erase_address, mail_service().forget_address)


def sections() -> tuple[ExportSection, ...]:
    """Return what exports each room's part."""
    return (
        ExportSection("api_keys", key_data().export),
        ExportSection("sessions", session_data().export),
        ExportSection("identities", identity_data().export),
        ExportSection("second_factors", second_factors().export),
        ExportSection("credits", ledger_data().export),
        ExportSection("usage", usage_service().export),
        ExportSection("security_events", audit_service().export),
    )
