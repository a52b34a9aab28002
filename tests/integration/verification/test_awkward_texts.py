"""Texts with the syntax of PostgreSQL's arrays are returned exactly as sent."""

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.core.database.parameters import array_of_texts
from apps.core.database.pool import connection
from apps.verification.models import VerificationAnswer
from tests.integration.verification.verifying import make_limited_key, run_on_a_loop, usage, verify
from tests.support.factories import make_service_key
from tests.support.orm import make, rows

SENT = [
    '"', '""', "\\", "\\\\", '\\"', "'", "a,b", "{}", "{a,b}", '{"a","b"}', "NULL", "null", " a ", "ä", "😀",
    "%s", "%(now)s", "$1", "--", "/*", "E'\\n'", "\\x00",
]  # fmt: skip
# The API refuses these in names, tags and request ids; rows may have them from before.
STORED = [" ", "a\nb", "\r\n", "\t", "\u202e", "\x7f", "\x01"]


async def test_special_characters_in_tag_and_request_id(api: httpx.AsyncClient):
    key, service = await make(make_limited_key), await make(make_service_key)
    first = {text: await verify(api, key.secret, service, tag=text, request_id=text) for text in SENT}
    assert [(event.tag, event.request_id) for event in await usage()] == [(text, text) for text in SENT]
    assert {answer.request_id for answer in await rows(VerificationAnswer.objects.all())} == set(SENT)
    for text in SENT:
        assert first[text]["request_id"] == text
    for text in SENT[:5]:
        assert await verify(api, key.secret, service, tag=text, request_id=text) == first[text]
    assert len(await usage()) == len(SENT)


@pytest.mark.parametrize("text", [*SENT, *STORED])
async def test_special_characters_in_a_stored_response(api: httpx.AsyncClient, text: str):
    key, service = await make(make_limited_key, name=text, metadata={text: [text]}), await make(make_service_key)
    answers = [await verify(api, key.secret, service, request_id="r") for _ in range(2)]
    assert answers[0] == answers[1]
    assert len(await usage()) == 1
    assert (answers[0]["name"], answers[0]["metadata"]) == (text, {text: [text]})


# What PostgreSQL stores: no NUL, no lone surrogates.
storable = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8)


@given(values=st.lists(storable | st.text('"\\,{} \n', max_size=6) | st.just("NULL"), max_size=6))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_array_literals_are_read_back(database: None, values: list[str]):
    async def through_postgres() -> list[str]:
        async with connection() as borrowed:
            found = await (await borrowed.execute("SELECT %s::text[]", [array_of_texts(values)])).fetchone()
        assert found is not None
        read: list[str] = found[0]
        return read

    assert run_on_a_loop(through_postgres) == values
