"""The decision. Pure: no I/O, no clock, no Django; the same input gives the same verdicts."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from apps.core.addresses import is_within
from apps.core.security.scopes import missing_scopes
from apps.verification.models import Code, KeyRecord, Question, Verdict

Check = Callable[[KeyRecord, Question, datetime], bool]


def decide(records: Mapping[bytes, KeyRecord], questions: Sequence[Question], now: datetime) -> list[Verdict]:
    """Return the verdict on each question, in their order; `records` are the known keys by their secrets' digests.

    The first check that refuses names the verdict, and a refusal consumes nothing.
    """
    return [_decide(records.get(question.digest), question, now) for question in questions]


def is_disabled(record: KeyRecord, _question: Question, _now: datetime) -> bool:
    """Return whether the key was revoked or switched off."""
    return record.revoked_at is not None or not record.is_active


def is_expired(record: KeyRecord, _question: Question, now: datetime) -> bool:
    """Return whether the key, or the grace of its rotated secret, has ended; the end itself is past it."""
    return any(end is not None and end <= now for end in (record.expires_at, record.secret_expires_at))


def is_forbidden(record: KeyRecord, question: Question, now: datetime) -> bool:
    """Return whether the owner may not act, or the call comes from an address that is not allowed."""
    return not owner_may_act(record, now) or not address_is_allowed(record, question)


def owner_may_act(record: KeyRecord, now: datetime) -> bool:
    """Return whether the key's owner is active and not locked out."""
    owner = record.owner
    return owner.is_active and (owner.locked_until is None or owner.locked_until <= now)


def address_is_allowed(record: KeyRecord, question: Question) -> bool:
    """Return whether the address is on the key's allowlist; an empty list allows all, an unknown address none."""
    return not record.networks or is_within(question.address, record.networks)


def lacks_scopes(record: KeyRecord, question: Question, _now: datetime) -> bool:
    """Return whether the call needs a scope that the key has not."""
    return bool(missing_scopes(record.scopes, question.scopes))


# RATE_LIMITED and INSUFFICIENT_CREDITS follow INSUFFICIENT_SCOPES. They spend what earlier questions of the same
# batch left, so they will be decided in `_decide` with the batch's running counters and balances.
CHECKS: tuple[tuple[Code, Check], ...] = (
    (Code.DISABLED, is_disabled),
    (Code.EXPIRED, is_expired),
    (Code.FORBIDDEN, is_forbidden),
    (Code.INSUFFICIENT_SCOPES, lacks_scopes),
)


def _decide(record: KeyRecord | None, question: Question, now: datetime) -> Verdict:
    if record is None:
        return Verdict(Code.NOT_FOUND)
    for code, refuses in CHECKS:
        if refuses(record, question, now):
            return Verdict(code, record)
    return Verdict(Code.VALID, record)
