"""Servers erase and clean up by themselves, with any number of workers."""

import asyncio
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from apps.authentication.models import LoginAttempt
from apps.core.background.background_jobs import BackgroundJob, BackgroundRunner
from apps.one_time_tokens.models import OneTimeToken
from apps.users.models import User
from config.serving.worker import background_jobs
from tests.support.factories import make_user
from tests.support.orm import make, rows, run_in_transaction

pytestmark = pytest.mark.usefixtures("database")


def clean_up_job() -> BackgroundJob:
    (job,) = (job for job in background_jobs() if job.name == "clean-up")
    return job


def make_expired_rows() -> None:
    long_ago = Now() - timedelta(days=100)
    for number in range(5):
        user = make_user()
        User.objects.filter(pk=user.pk).update(deleted_at=long_ago, is_active=False)
        LoginAttempt.objects.create(
            account_digest=bytes([number]) * 32, client_address="*", failures=1, last_failed_at=long_ago
        )
        OneTimeToken.objects.create(purpose="x", digest=bytes([number]) * 32, user=user, expires_at=long_ago)


async def remaining() -> list[int]:
    kept = (User.objects.filter(erased_at=None), LoginAttempt.objects.all(), OneTimeToken.objects.all())
    return [len(await rows(queryset)) for queryset in kept]


def test_clean_up_runs_every_hour(settings):
    settings.MAILERS = {}
    assert [job.interval_seconds for job in background_jobs() if job.name == "clean-up"] == [3600]


async def test_workers_clean_up_from_their_start_and_share_the_work():
    await run_in_transaction(make_expired_rows)
    workers = [BackgroundRunner([clean_up_job()]) for _ in range(3)]
    for worker in workers:
        await worker.start()
    for _ in range(600):
        if not any(await remaining()):
            break
        await asyncio.sleep(0.05)
    for worker in workers:
        await worker.stop()
    assert await remaining() == [0, 0, 0]


async def test_rows_that_are_not_expired_are_kept():
    user = await make(make_user)
    job = clean_up_job()
    while await job.run():
        pass
    assert await rows(User.objects.filter(erased_at=None, deleted_at=None)) == [user]
