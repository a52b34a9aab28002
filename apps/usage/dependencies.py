"""Builds this app's services."""

from functools import cache

from apps.usage.repositories.usage_denial_repository import UsageDenialRepository
from apps.usage.repositories.usage_event_repository import UsageEventRepository
from apps.usage.services.personal_data import UsagePersonalData
from apps.usage.services.usage_service import UsageService


@cache
def usage_service() -> UsageService:
    """Return the usage service."""
    return UsageService(UsageEventRepository(), UsageDenialRepository())


@cache
def usage_personal_data() -> UsagePersonalData:
    """Return the service that exports usage."""
    return UsagePersonalData(UsageEventRepository())
