"""Wrong passwords in a row."""

from django.db import models


class LoginAttempt(models.Model):
    """Wrong passwords in a row for one account from one address, and until when that pair is locked out.

    The pair, not the account, is locked: a stranger cannot lock an owner out from elsewhere. The account is kept
    as a digest of the address that was typed, whether or not there is such an account. The client `*` stands for all
    that have not signed in to the account lately: `login_attempts.sql` says what locks those out together.
    """

    account_digest = models.BinaryField(max_length=32)
    client_address = models.CharField(max_length=45)
    failures = models.PositiveIntegerField()
    last_failed_at = models.DateTimeField(null=True)
    locked_until = models.DateTimeField(null=True)
    # From here the account was last signed in to, or its password set by a mailed link. Clients that are known are not
    # locked out by what others guess.
    signed_in_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "login_attempts"
        constraints = (
            models.UniqueConstraint(fields=["account_digest", "client_address"], name="login_attempts_pair_unique"),
        )

    def __str__(self) -> str:
        return f"{self.failures} from {self.client_address}"
