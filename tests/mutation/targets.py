"""What `make mutate` changes, and which tests have to notice it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """Patterns of the files to change, and the tests that run for each change: unit tests, then integration tests."""

    mutated: tuple[str, ...]
    unit_tests: tuple[str, ...]
    integration_tests: tuple[str, ...] = ()


TARGETS = {
    "authorization": Target(
        ("apps/core/authorization/*.py",),
        (
            "tests/unit/core/test_principal.py",
            "tests/unit/core/test_scopes.py",
            "tests/unit/api_keys/test_key_rights.py",
            "tests/unit/authentication/test_session_rules.py",
            "tests/unit/authentication/test_staff_sessions.py",
            "tests/unit/oauth/test_client_credentials.py",
        ),
        ("tests/integration/authentication/test_credentials.py", "tests/integration/users/test_set_roles.py"),
    ),
    "authentication": Target(
        ("apps/authentication/services/*.py", "apps/authentication/domain/*.py"),
        ("tests/unit/authentication",),
        ("tests/integration/authentication",),
    ),
    "oauth": Target(("apps/oauth/services/*.py",), ("tests/unit/oauth",), ("tests/integration/oauth",)),
    "identities": Target(
        ("apps/identities/services/*.py", "apps/identities/domain/*.py"),
        ("tests/unit/identities",),
        ("tests/integration/identities",),
    ),
    "second_factors": Target(
        ("apps/second_factors/services/*.py", "apps/second_factors/domain/*.py"),
        ("tests/unit/second_factors",),
        ("tests/integration/second_factors", "tests/integration/authentication/test_passkey_sign_in.py"),
    ),
    "verification": Target(
        ("apps/verification/services/*.py", "apps/verification/domain/*.py"),
        ("tests/unit/verification",),
        ("tests/integration/verification",),
    ),
}
