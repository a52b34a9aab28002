"""The service for API keys over repositories in memory: keys of a customer, another, and two members of staff."""

import pytest

from apps.api_keys.services.api_key_service import ApiKeyService
from tests.support.fakes import FakeAudit, FakeUsers, unsaved_key, unsaved_user
from tests.unit.api_keys.fake_keys import (
    COLLEAGUE,
    COLLEAGUES,
    ME,
    MINE,
    OTHER,
    SUPERUSER,
    SUPERUSERS,
    THEIRS,
    FakeHeldScopes,
    FakeKeys,
    service_of,
)


@pytest.fixture
def keys() -> FakeKeys:
    mine = unsaved_key(MINE, ME, scopes=["mine:*"], environment="test")
    return FakeKeys(mine, unsaved_key(THEIRS, OTHER), unsaved_key(COLLEAGUES, COLLEAGUE), unsaved_key(SUPERUSERS, 4))


@pytest.fixture
def users() -> FakeUsers:
    staff = [unsaved_user(COLLEAGUE, is_staff=True), unsaved_user(SUPERUSER, is_staff=True, is_superuser=True)]
    return FakeUsers(unsaved_user(ME), unsaved_user(OTHER), *staff)


@pytest.fixture
def audit() -> FakeAudit:
    return FakeAudit()


@pytest.fixture
def held() -> FakeHeldScopes:
    return FakeHeldScopes()


@pytest.fixture
def service(keys: FakeKeys, users: FakeUsers, audit: FakeAudit, held: FakeHeldScopes) -> ApiKeyService:
    return service_of(keys, users, audit, held)
