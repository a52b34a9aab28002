"""The declaration of the usage app."""

from collections.abc import Sequence

from apps.core.background.background_jobs import BackgroundJob
from apps.core.background.clean_up import in_batches
from apps.core.declarations import AppDeclaration, CleanUpTask, PersonalDataDeclaration
from apps.usage.dependencies import (
    refusal_samples,
    refusals,
    unknown_key_counts,
    usage_personal_data,
    usage_rollups,
    usage_service,
)
from apps.usage.repositories.usage_denial_repository import UsageDenialRepository

ROLLUP_LOOK_SECONDS = 30  # how often a worker looks; all of them together roll up every five minutes


def _background_jobs() -> Sequence[BackgroundJob]:
    return [
        BackgroundJob("usage-expansion", usage_service().expand_batches, interval_seconds=0.5),
        BackgroundJob("usage-rollup", usage_rollups().roll_up, interval_seconds=ROLLUP_LOOK_SECONDS),
        BackgroundJob("usage-partitions", usage_service().maintain_partitions, interval_seconds=3600),
        BackgroundJob("unknown-keys", unknown_key_counts().write, interval_seconds=1),
        BackgroundJob("refusals", refusal_samples().write, interval_seconds=1),
    ]


async def _remove_refusals(maximum: int) -> int:
    return await refusals().remove_old(maximum)


DECLARATION = AppDeclaration(
    personal_data=PersonalDataDeclaration(
        service=usage_personal_data,
        section="usage",
        exported=["usage.UsageEvent", "usage.UsageBatch", "usage.UsageRecord", "usage.Refusal"],
        erased=["usage.Refusal"],
        not_erased={
            "usage.UsageEvent": "Proves the charges in the ledger; identifies no person once the account is erased.",
            "usage.UsageBatch": "Becomes usage events and ledger entries within seconds.",
            "usage.UsageRecord": "A view of usage.",
            "usage.KeyUsageQuarter": "Sums of usage: ids and amounts.",
            "usage.TagUsageQuarter": "Sums of usage: ids, amounts and the customer's own tags.",
            "usage.CustomerUsageDay": "Sums of usage: ids and amounts.",
        },
    ),
    clean_up_tasks=[
        CleanUpTask(
            "usage_denials",
            "counts by minute of calls that were refused a week ago; they are kept by quarter of an hour",
            in_batches(UsageDenialRepository().roll_up_old),
        ),
        CleanUpTask(
            "refusals",
            "samples of refused calls that are older than CALL_HISTORY_HOURS",
            in_batches(_remove_refusals),
        ),
    ],
    background_jobs=_background_jobs,
)
