"""Verifying codes and locking out guessers, with the rows in memory."""

from typing import Any

import pyotp
import pytest

from apps.audit.domain.audit_entry import AuditEntry, Outcome
from apps.core.authorization.principal import OPERATOR, owner_of
from apps.core.database.transaction import transaction
from apps.core.errors import TooManyRequests
from apps.second_factors.domain.presented_factors import CodeAttempt
from apps.second_factors.services.codes import digest_of, encrypt_secret, new_secret, six_digits_of
from apps.second_factors.services.in_transaction.code_verification import CodeVerification
from apps.users.services.in_transaction.security_notifier import SecurityNotice
from tests.support.fakes import FakeAudit
from tests.unit.second_factors.fake_factors import (
    ME,
    RECOVERY_CODE,
    FakeAttempts,
    FakeDevices,
    FakeNotifier,
    FakeRecoveryCodes,
)

pytestmark = pytest.mark.unit

NOON = 1_800_000_000
HERE = "192.0.2.1"
CODE = "0123AB-CDEFGH-JKMNPQ-RSTVWX"
WRONG_CODE = "ZZZZZZ-ZZZZZZ-ZZZZZZ-ZZZZZZ"


class Scene:
    """The service with everything that it uses."""

    def __init__(self) -> None:
        secret = new_secret()
        self.digits = pyotp.TOTP(secret).at(NOON)
        self.attempts, self.devices = FakeAttempts(), FakeDevices(encrypt_secret(secret), NOON)
        self.audit, self.notifier = FakeAudit(), FakeNotifier()
        parts: Any = (self.attempts, self.devices, FakeRecoveryCodes(digest_of(CODE)), self.audit, self.notifier)
        self.service = CodeVerification(*parts)

    async def verify(self, code: str) -> bool:
        attempt = CodeAttempt(ME, HERE, six_digits_of(code), digest_of(code))
        async with transaction():
            return await self.service.verify(attempt, OPERATOR)

    def recorded(self) -> list[tuple[str, Any]]:
        """Return the actions, after checking that each names who acted, on which account, and how it ended."""
        for entry in self.audit.entries:
            used = AuditEntry(owner_of(ME), entry.action, "user", ME)
            refused = AuditEntry(OPERATOR, entry.action, "user", ME, after=entry.after, outcome=Outcome.FAILURE)
            assert entry == (used if entry.action == "recovery_code.used" else refused)
        return [(entry.action, entry.after.get("locks_out")) for entry in self.audit.entries]


async def test_right_code_is_accepted_once_and_deletes_the_count_of_its_address():
    scene = Scene()
    scene.attempts.counts[ME, HERE] = scene.attempts.counts[ME, ""] = 3
    assert await scene.verify(scene.digits)
    assert dict(scene.attempts.counts) == {(ME, ""): 3}
    assert scene.devices.steps == [NOON // 30]
    assert not await scene.verify(scene.digits)
    assert scene.recorded() == [("second_factor.refused", None)]


async def test_recovery_code_is_accepted_once_and_its_owner_notified():
    scene = Scene()
    assert [await scene.verify(CODE.lower()), await scene.verify(CODE)] == [True, False]
    assert scene.recorded() == [("recovery_code.used", None), ("second_factor.refused", None)]
    assert scene.notifier.notices == [(ME, SecurityNotice.RECOVERY_CODE_USED, f"recovery_code:{RECOVERY_CODE}")]


@pytest.mark.parametrize("code", ["wrong digits", WRONG_CODE])
async def test_fifth_wrong_code_in_a_row_is_recorded_as_a_lock(code: str):
    scene = Scene()
    scene.devices.steps = [NOON]  # no code of now is accepted any more
    wrong = scene.digits if code == "wrong digits" else code
    assert [await scene.verify(wrong) for _ in range(5)] == [False] * 5
    assert scene.recorded() == [("second_factor.refused", None)] * 5 + [("account.locked", "client")]
    assert scene.notifier.notices == []


async def test_fiftieth_wrong_code_of_a_day_locks_digits_everywhere_and_notifies_the_owner():
    scene = Scene()
    scene.devices.steps, scene.attempts.counts[ME, ""] = [NOON], 49
    assert not await scene.verify(scene.digits)
    assert scene.recorded() == [("second_factor.refused", None), ("account.locked", "everybody")]
    assert scene.notifier.notices == [(ME, SecurityNotice.CODES_GUESSED, f"codes:{ME}:1800000000")]


@pytest.mark.parametrize(
    ("address", "code", "seconds"), [("", "digits", 77), (HERE, "digits", 30), (HERE, CODE, 30), (HERE, "digits", 0)]
)
async def test_locked_codes_are_neither_verified_nor_counted(address: str, code: str, seconds: int):
    scene = Scene()
    scene.attempts.locks[ME, address] = seconds
    with pytest.raises(TooManyRequests) as refused:
        await scene.verify(scene.digits if code == "digits" else code)
    assert (refused.value.code, refused.value.retry_after_seconds) == ("LOCKED_OUT", seconds or 1)
    assert (scene.recorded(), dict(scene.attempts.counts), scene.devices.steps) == ([], {}, [])


async def test_recovery_codes_are_verified_while_digits_are_locked_everywhere():
    scene = Scene()
    scene.attempts.locks[ME, ""] = 3600
    assert await scene.verify(CODE)
