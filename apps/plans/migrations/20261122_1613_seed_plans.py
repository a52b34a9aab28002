"""The three plans every installation begins with, by calls a minute."""

from typing import Any

from django.db import migrations

CALLS_A_MINUTE = {"free": 60, "pro": 600, "enterprise": 6000}


def seed(apps: Any, _schema_editor: Any) -> None:
    plans, limits = apps.get_model("plans", "Plan"), apps.get_model("plans", "PlanLimit")
    for name, limit in CALLS_A_MINUTE.items():
        plan, _ = plans.objects.get_or_create(name=name)
        limits.objects.get_or_create(plan=plan, name="minute", defaults={"limit": limit, "period_seconds": 60})


def unseed(apps: Any, schema_editor: Any) -> None:
    # As plain deletes: Django's own would look for accounts on these plans, whose table may be gone already.
    alias = schema_editor.connection.alias
    apps.get_model("plans", "PlanLimit").objects.filter(plan__name__in=CALLS_A_MINUTE)._raw_delete(alias)
    apps.get_model("plans", "Plan").objects.filter(name__in=CALLS_A_MINUTE)._raw_delete(alias)


class Migration(migrations.Migration):
    dependencies = [("plans", "20261122_1612_create_plans")]

    operations = [migrations.RunPython(seed, unseed)]
