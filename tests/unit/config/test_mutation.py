"""What `make mutate` changes and runs exists, and what mutmut prints is counted."""

from pathlib import Path

import pytest

from tests.mutation.__main__ import statuses
from tests.mutation.targets import TARGETS

pytestmark = pytest.mark.unit

PROJECT = Path(__file__).parents[3]
LISTED = """
    apps.oauth.services.revocation.xǁRevocationǁrevoke__mutmut_1: killed
    apps.oauth.services.revocation.xǁRevocationǁrevoke__mutmut_2: no tests
Warning without a status
"""


@pytest.mark.parametrize("name", TARGETS)
def test_files_and_tests_of_a_target_exist(name: str):
    target = TARGETS[name]
    assert all(list(PROJECT.glob(pattern)) for pattern in target.mutated)
    tests = [PROJECT / path for path in (*target.unit_tests, *target.integration_tests)]
    assert [path for path in tests if not path.exists()] == []
    assert all(path.is_relative_to(PROJECT / "tests/unit") for path in tests[: len(target.unit_tests)])


def test_statuses_of_mutants_are_read():
    mutant = "apps.oauth.services.revocation.xǁRevocationǁrevoke__mutmut"
    assert statuses(LISTED) == {f"{mutant}_1": "killed", f"{mutant}_2": "no tests"}
