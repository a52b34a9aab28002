"""A sign-up that waits for its address to be confirmed."""

from django.db import models
from django.db.models.functions import Lower, Now

from apps.core.values.email_addresses import EMAIL_LENGTH_MAXIMUM


class PendingRegistration(models.Model):
    """What an account will be made of by whoever has the mail and knows the password; removed then, or when it is over.

    It is written for an address that has an account too, so that signing up takes as long. Several may wait for one
    address: each link stands for what was sent with it, and whoever confirms first has the address.
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
