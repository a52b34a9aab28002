"""`manage.py usage_report`."""

import io
import json

import pytest
from django.core.management import CommandError, call_command

from tests.integration.usage.pending import rich_keys
from tests.integration.verification.verifying import verify
from tests.support.factories import IssuedKey
from tests.support.orm import make

pytestmark = pytest.mark.usefixtures("database")


def run(*arguments: str) -> list[str]:
    out = io.StringIO()
    call_command("usage_report", *arguments, stdout=out)
    return out.getvalue().splitlines()


async def used_key(api) -> IssuedKey:
    key: IssuedKey
    (key,) = await make(rich_keys, 1)
    for tag in ("eu", "eu", "us"):
        assert (await verify(api, key.secret, cost="1.5", tag=tag))["valid"]
    assert not (await verify(api, key.secret, scopes=["no:such"]))["valid"]
    return key


async def test_usage_of_a_customer(api):
    key = await used_key(api)
    day, total = await make(run, key.row.user.email)
    assert day.split("\t")[1:] == ["", "3", "1", "4.50"]
    assert total.split("\t") == ["total", "", "3", "1", "4.50"]


async def test_usage_by_group(api):
    key = await used_key(api)
    printed = await make(run, key.row.user.email, "--group-by", "tag", "--interval", "hour")
    lines = [line.split("\t")[1:] for line in printed]
    assert lines == [["eu", "2", "-", "3.00"], ["us", "1", "-", "1.50"], ["", "3", "1", "4.50"]]


async def test_usage_of_all_customers_as_json(api):
    key = await used_key(api)
    (line,) = await make(run, "--json")
    report = json.loads(line)
    assert [(group["user_id"], group["calls"]) for group in report["groups"]] == [(key.row.user_id, 3)]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nobody@example.com"], "No account has this e-mail address"),
        (["--from", "yesterday"], "starts_at"),
        (["--interval", "hour"], "must be day or month"),
        (["--tz", "Mars/Base"], "tz: must be a time zone"),
        (["--top", "0"], "top"),
    ],
)
def test_what_cannot_be_reported_is_said(arguments, words):
    with pytest.raises(CommandError, match=words):
        run(*arguments)
