"""Telling the devices that an account's owner uses from new ones."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models.functions import Now

from apps.authentication.models import Session
from apps.core.values.ip_addresses import site_network

REMEMBERED = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class NewSession:
    """A sign-in to be stored."""

    user_id: int
    family_digest: bytes
    methods: tuple[str, ...]
    user_agent: str
    ip_address: str | None
    judged_digest: str | None  # of the hash of the password that was judged, if one was
    kind: Session.Kind = Session.Kind.API


def is_known_device(new: NewSession) -> bool:
    """Return whether the same agent has had a session of the account, in the same network, within REMEMBERED."""
    seen = Session.objects.filter(user_id=new.user_id, user_agent=new.user_agent, last_used_at__gt=Now() - REMEMBERED)
    network = site_network(new.ip_address)
    return any(site_network(address) == network for address in seen.values_list("ip_address", flat=True).distinct())
