"""Builds this app's services."""

from functools import cache

from django.conf import settings

from apps.usage.repositories.refusal_repository import RefusalRepository
from apps.usage.repositories.usage_denial_repository import UsageDenialRepository
from apps.usage.repositories.usage_event_repository import UsageEventRepository
from apps.usage.repositories.usage_export_repository import UsageExportRepository
from apps.usage.repositories.usage_report_repository import UsageReportRepository
from apps.usage.repositories.usage_rollup_repository import UsageRollupRepository
from apps.usage.services.personal_data import UsagePersonalData
from apps.usage.services.refusal_samples import RefusalSamples
from apps.usage.services.unknown_key_counts import UnknownKeyCounts
from apps.usage.services.usage_exports import UsageExports
from apps.usage.services.usage_reports import UsageReports
from apps.usage.services.usage_rollups import UsageRollups
from apps.usage.services.usage_service import UsageService


@cache
def usage_service() -> UsageService:
    """Return the usage service."""
    return UsageService(
        UsageEventRepository(),
        UsageDenialRepository(),
        refusals(),
        settings.CALL_HISTORY_HOURS,
        settings.USAGE_RETENTION_DAYS,
    )


@cache
def usage_rollups() -> UsageRollups:
    """Return the service that rolls usage up."""
    return UsageRollups(UsageRollupRepository())


@cache
def usage_reports() -> UsageReports:
    """Return the service that sums usage."""
    return UsageReports(UsageReportRepository(), UsageDenialRepository())


@cache
def usage_exports() -> UsageExports:
    """Return the service that exports calls."""
    return UsageExports(UsageExportRepository())


@cache
def refusal_samples() -> RefusalSamples:
    """Return the samples of refused calls. They are shared by all that decides in this process, and its job."""
    return RefusalSamples(refusals(), settings.REFUSALS_PER_KEY)


@cache
def unknown_key_counts() -> UnknownKeyCounts:
    """Return the counts of unknown keys. They are shared by all that decides in this process, and its job."""
    return UnknownKeyCounts(UsageDenialRepository())


@cache
def usage_personal_data() -> UsagePersonalData:
    """Return the service that exports usage, and erases refused calls."""
    return UsagePersonalData(UsageEventRepository(), refusals())


@cache
def refusals() -> RefusalRepository:
    """Return the rows of refused calls, within the bounds of the settings."""
    return RefusalRepository(settings.REFUSALS_PER_KEY, settings.CALL_HISTORY_HOURS)
