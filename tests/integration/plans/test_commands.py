"""`manage.py list_plans`."""

import io
import json

import pytest
from django.core.management import call_command

from apps.plans.models import Plan

pytestmark = pytest.mark.usefixtures("database")


def run(*arguments: str) -> list[str]:
    out = io.StringIO()
    call_command("list_plans", *arguments, stdout=out)
    return out.getvalue().splitlines()


def test_plans_are_listed_one_a_line():
    gold = Plan.objects.create(name="gold", api_keys_maximum=3)
    lines = run()
    assert [line.split("\t")[1] for line in lines] == ["free", "pro", "enterprise", "gold"]
    assert lines[1].split("\t")[2:] == ["any number", "minute:600:60"]
    assert lines[-1] == f"{gold.pk}\tgold\t3\t"


def test_all_pages_of_plans_are_listed_as_json():
    Plan.objects.bulk_create(Plan(name=f"plan {number}") for number in range(100))
    plans = [json.loads(line) for line in run("--json")]
    assert (len(plans), plans[0]["name"], plans[-1]["name"]) == (103, "free", "plan 99")
    assert plans[0]["rate_limits"] == [{"name": "minute", "limit": 60, "period_seconds": 60}]
