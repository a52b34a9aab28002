"""Builds this app's services."""

from functools import cache

from apps.audit.dependencies import audit_trail
from apps.core.declarations import personal_data_declarations
from apps.idempotency.dependencies import idempotent_responses
from apps.personal_data.services.data_export import DataExport, sections_of
from apps.personal_data.services.erasure import Erasure, erased_by
from apps.users.dependencies import account_erasure, user_service


@cache
def erasure() -> Erasure:
    """Return the service that erases deleted accounts."""
    return Erasure(account_erasure(), erased_by(personal_data_declarations()))


@cache
def data_export() -> DataExport:
    """Return the service that exports personal data."""
    return DataExport(user_service(), sections_of(personal_data_declarations()), audit_trail(), idempotent_responses())
