"""decide(), for all queries: one verdict each, in order, with the code of the first check that refuses."""

from datetime import timedelta
from ipaddress import ip_network

from hypothesis import given
from hypothesis import strategies as st

from apps.verification.domain import Code, VerificationQuery
from tests.unit.verification.records import NOW, StoredKey, outcome, query, stored_key, verdicts_on

DIGESTS = [b"one", b"two", b"three", b"four"]
SCOPES = ["a:b", "a:*", "c", "c:d"]
ADDRESSES = [None, "192.0.2.1", "198.51.100.1", "2001:db8::1", "::ffff:192.0.2.1"]
NETWORKS = ["192.0.2.0/24", "2001:db8::/32"]

times = st.none() | st.integers(-3, 3).map(lambda seconds: NOW + timedelta(seconds=seconds))
records = st.fixed_dictionaries(
    {
        "revoked_at": times,
        "is_active": st.booleans(),
        "expires_at": times,
        "secret_expires_at": times,
        "scopes": st.lists(st.sampled_from(SCOPES), unique=True),
        "ip_allowlist": st.lists(st.sampled_from(NETWORKS), unique=True),
        "owner_is_active": st.booleans(),
        "owner_locked_until": times,
    }
).map(lambda changes: stored_key(**changes))
keys = st.dictionaries(st.sampled_from(DIGESTS), records, max_size=3).map(
    lambda found: [key.changed(digest=digest, key_id=len(digest)) for digest, key in found.items()]
)
queries = st.builds(
    lambda digest, address, scopes: query(address, digest=digest, scopes=tuple(scopes)),
    st.sampled_from(DIGESTS),
    st.sampled_from(ADDRESSES),
    st.lists(st.sampled_from(SCOPES), unique=True, max_size=2),
)
batches = st.lists(queries, max_size=12)


@given(keys, batches)
def test_there_is_one_verdict_for_each_query_in_order(found: list[StoredKey], sent: list[VerificationQuery]):
    by_digest = {key.row.digest: key.record for key in found}
    verdicts, effects = outcome(found, *sent)
    assert [verdict.record for verdict in verdicts] == [by_digest.get(each.digest) for each in sent]
    allowed = [each for each, verdict in zip(sent, verdicts, strict=True) if verdict.is_valid]
    assert [call for call, _ in effects.calls] == allowed
    refused = [verdict for verdict in verdicts if verdict.record and not verdict.is_valid]
    assert sum(effects.denials.values()) == len(refused)


@given(keys, batches)
def test_without_limits_the_order_of_queries_does_not_matter(found: list[StoredKey], sent: list[VerificationQuery]):
    assert verdicts_on(found, list(reversed(sent))) == list(reversed(verdicts_on(found, sent)))


@given(keys, queries)
def test_the_code_is_the_first_refusal_in_the_documented_order(found: list[StoredKey], sent: VerificationQuery):
    (verdict,) = verdicts_on(found, [sent])
    key = next((key for key in found if key.row.digest == sent.digest), None)
    assert verdict.code is next(code for code, applies in _facts(key, sent).items() if applies)


def _facts(stored: StoredKey | None, sent: VerificationQuery) -> dict[Code, bool]:
    """Decide again, by a plain implementation in the order of the design."""
    if stored is None:
        return {Code.NOT_FOUND: True}
    key = stored.row
    ends = [end for end in (key.expires_at, key.secret_expires_at) if end is not None]
    locked = key.owner_locked_until is not None and key.owner_locked_until > NOW
    allowed = [ip_network(text) for text in key.ip_allowlist]
    outside = bool(allowed) and not any(sent.address is not None and sent.address in network for network in allowed)
    granted = set(key.scopes) | ({"a:b", "a:*"} if "a:*" in key.scopes else set())
    return {
        Code.DISABLED: key.revoked_at is not None or not key.is_active,
        Code.EXPIRED: any(end <= NOW for end in ends),
        Code.FORBIDDEN: not key.owner_is_active or locked or outside,
        Code.INSUFFICIENT_SCOPES: not set(sent.scopes) <= granted,
        Code.VALID: True,
    }
