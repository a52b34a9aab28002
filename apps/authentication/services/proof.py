"""What has been shown at a sign-in."""

from dataclasses import dataclass, field

from apps.users.services.credentials import password_digest


@dataclass(frozen=True, slots=True)
class Proof:
    """That somebody is the account's owner, and by which methods (names of RFC 8176) this was shown.

    With `password_hash`, it holds only while this is the account's; `judged_digest` is what is kept of it in between.
    """

    user_id: int
    methods: tuple[str, ...]
    password_hash: str | None = field(default=None, repr=False)
    judged_digest: str | None = None

    @property
    def digest(self) -> str | None:
        """What tells the password that was judged from every other, if one was."""
        return password_digest(self.password_hash) if self.password_hash else self.judged_digest
