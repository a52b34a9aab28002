"""Counts of wrong passwords."""

from django.db import models


class LoginAttempt(models.Model):
    """The consecutive wrong passwords for one account from one address, and the end of that pair's lock.

    The pair is locked, not the account, so that other clients cannot lock out the owner. The account is stored as a
    digest of the address that was entered, whether or not an account has it. The client `*` stands for all clients that
    have not signed in to the account for 90 days; `login_attempts.sql` describes when all of those are locked out.
    """

    account_digest = models.BinaryField(max_length=32)
    client_address = models.CharField(max_length=45)
    failures = models.PositiveIntegerField()
    last_failed_at = models.DateTimeField(null=True)
    locked_until = models.DateTimeField(null=True)
    # When the client last signed in to the account, or set its password by a link in a message. Others' guesses do not
    # lock out such a client.
    signed_in_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "login_attempts"
        constraints = (
            models.UniqueConstraint(fields=["account_digest", "client_address"], name="login_attempts_pair_unique"),
        )

    def __str__(self) -> str:
        return f"{self.failures} from {self.client_address}"
