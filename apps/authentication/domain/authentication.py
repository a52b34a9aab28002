"""What a caller has shown at a sign-in."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Authentication:
    """That the caller owns the account, and the methods that have shown it (names of RFC 8176).

    `checked_digest` is the `password_digest` of the hash that a password was checked against, None where no password
    was checked: the authentication is valid only while the account has that password.
    """

    user_id: int
    methods: tuple[str, ...]
    checked_digest: str | None = None
