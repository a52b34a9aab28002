"""Rows of second factors in memory, and notices that are kept instead of mailed."""

from collections import defaultdict
from typing import Any

from apps.core.authorization.principal import Principal
from apps.core.database.open_transaction import require_transaction
from apps.core.errors import NotFound
from apps.second_factors.models import Passkey
from apps.second_factors.repositories.totp_repository import StoredSecret
from apps.users.services.in_transaction.security_notifier import SecurityNotice

ME, OTHER, PASSKEY, DEVICE, RECOVERY_CODE = 1, 2, 5, 6, 7


class FakeNotifier:
    """Keeps the notices, each sent inside a transaction."""

    def __init__(self) -> None:
        self.notices: list[tuple[int, SecurityNotice, str]] = []

    async def notify(self, user_id: int, what: SecurityNotice, key: str, actor: Principal | None = None) -> None:
        require_transaction("notify an owner")
        self.notices.append((user_id, what, key))


class FakePasskeys:
    """One passkey; `uses` are the uses that were stored."""

    def __init__(self) -> None:
        self.passkey = Passkey(pk=PASSKEY, user_id=ME, user_handle=b"handle", is_backup_eligible=False, public_key=b"")
        self.uses: list[Any] = []
        self.is_accepted = self.is_left = True

    async def find(self, credential_id: bytes) -> Passkey | None:
        return self.passkey if credential_id == b"known" else None

    async def lock(self, user_id: int, passkey_id: int) -> Passkey:
        require_transaction("lock a passkey")
        if not self.is_left or (user_id, passkey_id) != (self.passkey.user_id, self.passkey.pk):
            raise NotFound
        return self.passkey

    async def use(self, passkey: Passkey, shown: Any) -> bool:
        require_transaction("use a passkey")
        if self.is_accepted:
            self.uses.append((passkey.pk, passkey.user_id, shown.sign_count))
        return self.is_accepted


class FakeDevices:
    """One confirmed authenticator app, whose clock stands still; `steps` are the time steps that were accepted."""

    def __init__(self, secret_encrypted: bytes, moment: int) -> None:
        self.secret = StoredSecret(DEVICE, secret_encrypted, moment)
        self.steps: list[int] = []

    async def find_confirmed_secret(self, user_id: int) -> StoredSecret | None:
        return self.secret if user_id == ME else None

    async def accept_step(self, device_id: int, step: int) -> bool:
        if device_id != self.secret.device_id or step <= max(self.steps, default=0):
            return False
        self.steps.append(step)
        return True


class FakeRecoveryCodes:
    """One unused recovery code, by its digest."""

    def __init__(self, digest: bytes) -> None:
        self.unused: bytes | None = digest

    async def spend(self, user_id: int, digest: bytes) -> int | None:
        if user_id != ME or digest != self.unused:
            return None
        self.unused = None
        return RECOVERY_CODE


class FakeAttempts:
    """Counts by account and address; `locks` are the seconds for which a pair is locked."""

    def __init__(self) -> None:
        self.counts: dict[tuple[int, str], int] = defaultdict(int)
        self.locks: dict[tuple[int, str], int] = {}

    async def locked_seconds(self, user_id: int, address: str) -> int:
        return self.locks.get((user_id, address), 0)

    async def count(self, user_id: int, address: str) -> int:
        if (user_id, address) in self.locks:
            return 0
        self.counts[user_id, address] += 1
        return self.counts[user_id, address]

    async def count_of_account(self, user_id: int, maximum: int) -> int:
        self.counts[user_id, ""] += 1
        return min(self.counts[user_id, ""], maximum)

    async def account_locked_until(self, _user_id: int) -> int:
        return 1_800_000_000

    async def delete(self, user_id: int, address: str) -> None:
        del self.counts[user_id, address]

    async def uncount_of_account(self, user_id: int) -> None:
        self.counts[user_id, ""] -= 1
