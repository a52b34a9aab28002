"""A sign-up with an unconfirmed e-mail address."""

from django.db import models
from django.db.models.functions import Lower, Now

from apps.core.values.email_addresses import EMAIL_LENGTH_MAXIMUM


class PendingRegistration(models.Model):
    """The data of an account that is created when its address is confirmed; deleted then, or after two days.

    It is also stored for an address that has an account, so that the duration of a sign-up does not reveal it. An
    address may have several, each with its own link; the first to be confirmed gets the address.
    """

    email = models.EmailField(max_length=EMAIL_LENGTH_MAXIMUM)
    username = models.CharField(max_length=150)
    full_name = models.CharField(max_length=200, blank=True, default="")
    password = models.CharField(max_length=128)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "pending_registrations"
        indexes = (models.Index(Lower("email"), "created_at", name="pending_registrations_email"),)

    def __str__(self) -> str:
        return self.email
