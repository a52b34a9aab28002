"""decide(), whatever it is asked: order, independence of batches, and the order of the checks."""

from datetime import timedelta
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from apps.verification.models import Code, KeyRecord, Question
from apps.verification.services.decision import decide
from tests.unit.verification.records import NOW, question, record

DIGESTS = [b"one", b"two", b"three", b"four"]
SCOPES = ["a:b", "a:*", "c", "c:d"]
ADDRESSES = [None, "192.0.2.1", "198.51.100.1", "2001:db8::1", "::ffff:192.0.2.1"]
NETWORKS = ["192.0.2.0/24", "2001:db8::/32"]

times = st.none() | st.integers(-3, 3).map(lambda seconds: NOW + timedelta(seconds=seconds))


def record_of(values: dict[str, Any]) -> KeyRecord:
    owner = {"is_active": values.pop("owner_is_active"), "locked_until": values.pop("locked_until")}
    return record(owner=owner, **values)


records = st.fixed_dictionaries(
    {
        "revoked_at": times,
        "is_active": st.booleans(),
        "expires_at": times,
        "secret_expires_at": times,
        "scopes": st.lists(st.sampled_from(SCOPES), unique=True).map(tuple),
        "networks": st.lists(st.sampled_from(NETWORKS), unique=True),
        "owner_is_active": st.booleans(),
        "locked_until": times,
    }
).map(record_of)
known = st.dictionaries(st.sampled_from(DIGESTS), records, max_size=3)
questions = st.builds(
    lambda digest, address, scopes: question(address, digest=digest, scopes=tuple(scopes)),
    st.sampled_from(DIGESTS),
    st.sampled_from(ADDRESSES),
    st.lists(st.sampled_from(SCOPES), unique=True, max_size=2),
)
batches = st.lists(questions, max_size=12)


@given(known, batches)
def test_one_verdict_a_question_in_their_order(keys: dict[bytes, KeyRecord], asked: list[Question]):
    verdicts = decide(keys, asked, NOW)
    assert [verdict.record for verdict in verdicts] == [keys.get(question.digest) for question in asked]


@given(known, batches, st.lists(st.integers(0, 12)))
def test_it_does_not_matter_how_questions_are_cut_into_batches(
    keys: dict[bytes, KeyRecord], asked: list[Question], cuts: list[int]
):
    borders = sorted({0, len(asked), *(cut for cut in cuts if cut < len(asked))})
    pieces = [asked[start:end] for start, end in pairwise(borders)]
    in_pieces = [verdict for piece in pieces for verdict in decide(keys, piece, NOW)]
    assert in_pieces == decide(keys, asked, NOW)


@given(known, batches)
def test_the_same_question_gets_the_same_verdict(keys: dict[bytes, KeyRecord], asked: list[Question]):
    assert decide(keys, asked, NOW) == decide(keys, asked, NOW)
    assert decide(keys, list(reversed(asked)), NOW) == list(reversed(decide(keys, asked, NOW)))


@given(known, questions)
def test_the_verdict_is_the_first_refusal_in_the_documented_order(keys: dict[bytes, KeyRecord], asked: Question):
    (verdict,) = decide(keys, [asked], NOW)
    assert verdict.code is next(code for code, applies in _facts(keys.get(asked.digest), asked).items() if applies)


def _facts(key: KeyRecord | None, asked: Question) -> dict[Code, bool]:
    """Say it anew, plainly, in the design's order."""
    if key is None:
        return {Code.NOT_FOUND: True}
    ends = [end for end in (key.expires_at, key.secret_expires_at) if end is not None]
    locked = key.owner.locked_until is not None and key.owner.locked_until > NOW
    outside = bool(key.networks) and not any(
        asked.address is not None and asked.address in network for network in key.networks
    )
    granted = set(key.scopes) | ({"a:b", "a:*"} if "a:*" in key.scopes else set())
    return {
        Code.DISABLED: key.revoked_at is not None or not key.is_active,
        Code.EXPIRED: any(end <= NOW for end in ends),
        Code.FORBIDDEN: not key.owner.is_active or locked or outside,
        Code.INSUFFICIENT_SCOPES: not set(asked.scopes) <= granted,
        Code.VALID: True,
    }
