"""Plans in the admin: made, changed and deleted by the service, with an audit event."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.api_keys.models import ApiKey
from apps.audit.models import AuditEvent
from apps.plans.admin import plan_preview
from apps.plans.models import Plan, PlanLimit
from tests.integration.backoffice.pages import PLANS, USERS, fields_of, form_errors, only_event, text_of
from tests.support.factories import make_key, make_plan, make_user
from tests.support.record_reader import other_connection

pytestmark = pytest.mark.integration

NOW = timezone.now()
TOO_MANY = "too many to count"

NEW = {"name": "gold", "rate_limits": "minute 600 per minute\n\n burst 10 per 5 seconds ", "api_keys_maximum": "3"}
WRONG = [
    ({"name": ""}, "name", "required"),
    ({"name": "  "}, "name", "required"),
    ({"name": "n" * 51}, "name", "50"),
    ({"name": "a\x00b"}, "name", "Null characters"),
    ({"name": "enterprise"}, "name", "exists"),
    ({"api_keys_maximum": "-1"}, "api_keys_maximum", "greater than or equal to 0"),
    ({"api_keys_maximum": str(2**31)}, "api_keys_maximum", "less than or equal to"),
    ({"features": "exports"}, "features", "Line 1: Enter a name and a value"),
    ({"features": "seats 5\nseats 6"}, "features", "Line 2: The name is repeated"),
    ({"features": "exports perhaps"}, "features", "“exports”: Enter true, false, or a number"),
    ({"features": "Exports true"}, "features", "“Exports”: String should match"),
    ({"prices": "resize a lot"}, "prices", "“resize”"),
    ({"prices": "resize -1"}, "prices", "“resize”: Input should be greater than or equal to 0"),
    ({"prices": "resize 1000001"}, "prices", "“resize”: Input should be less than or equal to 1000000"),
    ({"rate_limits": "a 1 per day\nminute: 60/60"}, "rate_limits", "Line 2: Enter a name"),
    ({"rate_limits": "a 1 per day\na 2 per hour"}, "rate_limits", "unique name for each"),
    ({"rate_limits": "a/b 1 per day"}, "rate_limits", "Line 1: String should match"),
    ({"rate_limits": "a\x00b 1 per day"}, "rate_limits", "Line 1: String should match"),
    ({"rate_limits": "a 1 per 367 days"}, "rate_limits", "Line 1: Input should be less"),
    ({"rate_limits": "a 1000000000001 per day"}, "rate_limits", "Line 1: Input should be less"),
    ({"rate_limits": "\n".join(f"w{number} 1 per day" for number in range(11))}, "rate_limits", "at most 10"),
]


def _page(plan: Plan, operation: str = "change") -> str:
    return f"{PLANS}{plan.pk}/{operation}/"


def _plan(name: str) -> Plan:
    return Plan.objects.get(name=name)


def _windows(plan: Plan) -> list[tuple[Any, ...]]:
    return list(plan.limits.values_list("name", "limit", "period_seconds"))


def _assert_as_seeded() -> None:
    assert list(Plan.objects.values_list("name", flat=True)) == ["free", "pro", "enterprise"]
    assert list(PlanLimit.objects.order_by("id").values_list("limit", flat=True)) == [60, 600, 6000]
    assert not AuditEvent.objects.exists()


def test_plans_are_listed_with_rate_limits_and_accounts(browser):
    pro = _plan("pro")
    for fields in ({}, {"is_active": False}, {"deleted_at": timezone.now()}):
        make_user(plan=pro, **fields)
    page = text_of(browser.get(PLANS))
    assert "minute 600 per minute" in page
    assert f'<a href="{USERS}?plan__id__exact={pro.pk}">2</a>' in page
    assert f'<a href="{USERS}?plan__id__exact={_plan("enterprise").pk}">0</a>' in page
    assert browser.get(f"{USERS}?plan__id__exact={pro.pk}").context["cl"].result_count == 2


def test_number_of_queries_is_constant(browser):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            browser.get(PLANS)
        return len(captured)

    queries()
    few = queries()
    for number in range(5):
        PlanLimit.objects.create(plan=Plan.objects.create(name=str(number)), name="a", limit=1, period_seconds=1)
    assert queries() == few


def test_plan_is_created(browser, staff):
    response = browser.post(f"{PLANS}add/", NEW, follow=True)
    assert "was added successfully" in text_of(response)
    plan = _plan("gold")
    assert (plan.api_keys_maximum, _windows(plan)) == (3, [("burst", 10, 5), ("minute", 600, 60)])
    event = only_event(action="plan.created")
    assert (event.actor_id, event.actor_kind, event.target_id) == (staff.pk, "session", plan.pk)


@pytest.mark.parametrize(("wrong", "field", "words"), WRONG)
def test_invalid_plan_is_refused(browser, wrong, field, words):
    for page in (f"{PLANS}add/", _page(_plan("pro"))):
        assert words in form_errors(browser.post(page, {**NEW, "confirmed": "on", **wrong}))[field][0]
    _assert_as_seeded()


def test_refused_form_keeps_its_values(browser):
    page = browser.post(_page(_plan("pro")), {**NEW, "rate_limits": "sixty a minute"})
    assert "sixty a minute</textarea>" in text_of(page)


def test_rate_limits_are_changed(browser, staff):
    pro = _plan("pro")
    assert "minute 600 per minute</textarea>" in text_of(browser.get(_page(pro)))
    form = {"name": "pro", "rate_limits": "minute 700 per 60\nday 0 per day", "api_keys_maximum": ""}
    assert browser.post(_page(pro), {**form, "confirmed": "on"}).status_code == 302
    assert _windows(pro) == [("minute", 700, 60), ("day", 0, 86400)]
    event = only_event(action="plan.updated")
    assert (event.actor_id, event.target_id, set(event.after)) == (staff.pk, pro.pk, {"rate_limits"})
    assert [window["limit"] for window in event.before["rate_limits"]] == [600]
    assert [window["limit"] for window in event.after["rate_limits"]] == [700, 0]
    assert "plan.updated" in text_of(browser.get(_page(pro, "history"), follow=True))


def test_edit_shows_whom_it_touches_and_asks_before_it_is_saved(browser):
    pro, owner = _plan("pro"), make_user(plan=_plan("pro"))
    for fields in ({}, {"rate_limits": [{"name": "minute", "limit": 5, "period_seconds": 60}]}, {"revoked_at": NOW}):
        ApiKey.objects.filter(pk=make_key(owner).id).update(**fields)
    for other in (make_user(plan=pro), make_user(plan=pro, deleted_at=NOW), make_user()):
        make_key(other)
    form = {"name": "premium", "rate_limits": "minute 60 per minute\nday 9 per day", "api_keys_maximum": "1"}
    asked = browser.post(_page(pro), {**form, "reason": "A new price"})
    assert (asked.status_code, asked.context["customers"], asked.context["keys"]) == (200, "2", "3")
    assert [(change.name, change.before, change.after, change.effect) for change in asked.context["changes"]] == [
        ("Name", "pro", "premium", "Verifications return the new name."),
        (
            "Rate limit “minute”",
            "minute 600 per minute",
            "minute 60 per minute",
            "Keys with a limit “minute” of their own, which does not change: 1.",
        ),
        ("Rate limit “day”", "no limit of this name", "day 9 per day", "For all keys."),
        (
            "Maximum number of API keys",
            "any number",
            "1",
            "Customers with more keys: 1. Their keys stay valid, but they cannot create another.",
        ),
    ]
    assert not AuditEvent.objects.exists()
    confirmed = browser.post(_page(pro), fields_of(asked, "preview-form"))
    assert (confirmed.status_code, only_event(action="plan.updated").reason) == (302, "A new price")
    pro.refresh_from_db()
    assert (pro.name, pro.api_keys_maximum, len(_windows(pro))) == ("premium", 1, 2)


def test_edit_of_features_and_prices_says_what_it_means(browser):
    plan = make_plan(name="gold", features={"exports": True, "seats": 5}, prices={"resize": "0.050000", "ping": "0"})
    page = text_of(browser.get(_page(plan)))
    assert "exports true\nseats 5</textarea>" in page
    assert "ping 0\nresize 0.05</textarea>" in page
    form = {"name": "gold", "features": "seats 6\nsso false", "prices": "resize 0.05\nrender 2"}
    asked = browser.post(_page(plan), {**form, "reason": "A new price list"})
    assert [tuple(getattr(change, name) for name in change.__slots__) for change in asked.context["changes"]] == [
        ("Feature “exports”", "true", "none", "Verifications no longer return it."),
        ("Feature “seats”", "5", "6", "Verifications return it."),
        ("Feature “sso”", "none", "false", "Verifications return it."),
        ("Price of “ping”", "0", "none", "Calls of it are refused: UNKNOWN_OPERATION."),
        ("Price of “render”", "none", "2", "Each call of it costs this much for a unit, in credits."),
    ]
    assert browser.post(_page(plan), fields_of(asked, "preview-form")).status_code == 302
    plan.refresh_from_db()
    assert plan.features == {"seats": 6, "sso": False}
    assert plan.prices == {"resize": "0.050000", "render": "2.000000"}
    event = only_event(action="plan.updated")
    assert (event.before["prices"], event.after["prices"]) == (
        {"resize": "0.050000", "ping": "0"},
        {"resize": "0.050000", "render": "2.000000"},
    )


def test_prices_that_stay_are_no_change(browser):
    plan = make_plan(name="gold", prices={"resize": "0.050000"})
    form = fields_of(browser.get(_page(plan)), "plan_form")
    assert form["prices"] == ["resize 0.05"]
    assert browser.post(_page(plan), {**form, "prices": " resize 0.050", "reason": "none"}).status_code == 302
    assert browser.post(_page(plan), {**form, "reason": "none"}).status_code == 302
    assert not AuditEvent.objects.exists()


def test_new_price_is_not_taken_for_an_edit_by_someone_else(browser):
    plan = make_plan(name="gold", prices={"resize": "0.050000"})
    form = fields_of(browser.get(_page(plan)), "plan_form")
    asked = browser.post(_page(plan), {**form, "prices": "resize 0.06", "reason": "A new price"})
    assert asked.status_code == 200
    assert [change.after for change in asked.context["changes"]] == ["0.06"]


def test_edit_that_takes_away_a_bound_says_so(browser):
    plan = make_plan(("minute", 60, 60), name="gold", api_keys_maximum=5)
    asked = browser.post(_page(plan), {"name": "gold", "rate_limits": "", "api_keys_maximum": ""})
    assert (asked.context["customers"], asked.context["keys"]) == ("0", "0")
    assert [(change.before, change.after, change.effect) for change in asked.context["changes"]] == [
        ("minute 60 per minute", "no limit of this name", "For all keys."),
        ("5", "any number", "No customer has more keys."),
    ]


def test_edit_is_shown_where_the_customers_are_too_many_to_count(browser, monkeypatch):
    plan = make_plan(("minute", 60, 60), name="gold", api_keys_maximum=5)
    for _ in range(3):
        make_key(make_user(plan=plan))
    form = {"name": "gold", "rate_limits": "", "api_keys_maximum": "0"}
    monkeypatch.setattr(plan_preview, "COUNTED_MAXIMUM", 2)
    asked = browser.post(_page(plan), form)
    assert (asked.context["customers"], asked.context["keys"]) == ("more than 2", "more than 2")
    monkeypatch.setattr(plan_preview, "COUNTING_SECONDS", 0.05)
    with other_connection() as other:
        other.execute("BEGIN; LOCK TABLE api_keys IN ACCESS EXCLUSIVE MODE")
        asked = browser.post(_page(plan), form)
    assert (asked.status_code, asked.context["customers"], asked.context["keys"]) == (200, "more than 2", TOO_MANY)
    effects = [change.effect for change in asked.context["changes"]]
    assert effects == [
        f"Keys with a limit “minute” of their own, which does not change: {TOO_MANY}.",
        f"Customers with more keys: {TOO_MANY}. Their keys stay valid, but they cannot create another.",
    ]
    assert browser.post(_page(plan), fields_of(asked, "preview-form")).status_code == 302


def test_saving_without_changes_changes_nothing(browser):
    form = {"name": "pro", "rate_limits": "minute  600 per 60 seconds\n", "api_keys_maximum": ""}
    assert browser.post(_page(_plan("pro")), form).status_code == 302
    _assert_as_seeded()


def test_default_plan_is_neither_renamed_nor_deleted(browser):
    free = _plan("free")
    errors = form_errors(
        browser.post(_page(free), {"name": "gratis", "rate_limits": "minute 60 per 60", "confirmed": "on"})
    )
    assert "cannot be renamed or deleted" in errors["name"][0]
    assert "cannot be renamed or deleted" in text_of(browser.post(_page(free, "delete")))
    _assert_as_seeded()


def test_deleting_needs_a_confirmation(browser, staff):
    pro = _plan("pro")
    assert "permanently" in text_of(browser.get(_page(pro, "delete")))
    assert browser.post(_page(pro, "delete")).headers["location"] == PLANS
    assert not Plan.objects.filter(pk=pro.pk).exists()
    assert not PlanLimit.objects.filter(plan_id=pro.pk).exists()
    event = only_event(action="plan.deleted")
    assert (event.actor_id, event.target_id, event.before["name"]) == (staff.pk, pro.pk, "pro")


def test_plans_with_accounts_are_kept(browser):
    pro, enterprise = _plan("pro"), _plan("enterprise")
    make_user(plan=pro)
    chosen = {"action": "delete_selected", "index": "0", "_selected_action": [pro.pk, enterprise.pk]}
    asked = browser.post(PLANS, chosen).headers["location"]
    page = text_of(browser.post(asked, follow=True))
    assert "Pro: Accounts are on this plan. Move them to another plan first" in page
    assert list(Plan.objects.values_list("name", flat=True)) == ["free", "pro"]
    assert _windows(pro) == [("minute", 600, 60)]
    assert only_event().action == "plan.deleted"


@pytest.mark.parametrize("page", ["", "add/", "{id}/change/", "{id}/delete/", "delete/?id={id}"])
def test_staff_without_scopes_are_refused(limited, page):
    assert (
        limited("customers:read", "customers:write").post(PLANS + page.format(id=_plan("pro").pk), NEW).status_code
        == 403
    )
    _assert_as_seeded()


@pytest.mark.parametrize(
    ("scope", "page", "status"),
    [
        ("plans:read", "add/", 403),
        ("plans:read", "{id}/change/", 403),
        ("plans:read", "{id}/delete/", 403),
        ("plans:write", "{id}/change/", 302),
        ("plans:write", "add/", 302),
        ("plans:write", "delete/?id={id}", 302),
    ],
)
def test_each_scope_allows_its_own_action(limited, scope, page, status):
    browser = limited(scope)
    assert browser.get(PLANS).status_code == 200
    assert browser.post(PLANS + page.format(id=_plan("pro").pk), {**NEW, "confirmed": "on"}).status_code == status
    assert AuditEvent.objects.exists() is (status == 302)
