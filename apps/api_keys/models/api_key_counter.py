"""The counters of an API key."""

from django.db import models

from apps.api_keys.models.api_key import ApiKey


class ApiKeyCounter(models.Model):
    """The part of a key that verification locks and writes at each call. It is a separate row, which stays small, and a
    change of the key never waits for calls. The database creates it with the key.

    `entries` are the counters of the rate limits, which only verification reads and writes (`KeyRateLimits`). `windows`
    has the same as JSON, from versions of Keyhouse before it; verification adds it to `entries` and empties it.

    `budget` is the key's, copied by the database, so that a batch reads it from the row that its lock covers. From the
    key, it might read a budget of which another key has just taken its share.
    """

    api_key = models.OneToOneField(ApiKey, on_delete=models.CASCADE, primary_key=True, related_name="counter")
    entries = models.BinaryField(db_default=b"")
    windows = models.TextField(db_default="[]")
    budget = models.DecimalField(max_digits=20, decimal_places=6, null=True, editable=False)
    budget_spent = models.DecimalField(max_digits=20, decimal_places=6, db_default=0)
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "api_key_counters"

    def __str__(self) -> str:
        return f"counters of key {self.pk}"
