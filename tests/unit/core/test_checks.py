"""The system checks of the conventions: each accepts valid code and reports violations."""

from pathlib import Path

import pytest
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.postgres.fields import ArrayField
from django.core.checks import run_checks
from django.db import models
from django.test.utils import isolate_apps

from apps.core.conventions.checks.migration_checks import (
    MigrationFile,
    file_name_errors,
    files_of,
    import_errors,
    reversal_errors,
)
from apps.core.conventions.checks.model_checks import (
    column_name_errors,
    float_errors,
    model_file_errors,
    shared_file_errors,
    table_name_errors,
    timestamp_name_errors,
    to_snake_case,
)

pytestmark = pytest.mark.unit

MIGRATION = """
from django.db import migrations

class Migration(migrations.Migration):
    operations = [{operations}]
"""


def make_model(name="Parcel", *, module="apps.shop.models.parcel", base=models.Model, meta=None, **fields):
    """Return a model class, as if defined in an app named shop."""
    options = {"app_label": "shop", "db_table": "parcels"} | (meta or {})
    options = {key: value for key, value in options.items() if value is not None}
    with isolate_apps("django.contrib.contenttypes"):
        return type(name, (base,), {"__module__": module, "Meta": type("Meta", (), options), **fields})


def ids_of(errors):
    return [error.id for error in errors]


@pytest.fixture
def migration_file(tmp_path, monkeypatch):
    """Return a function that writes a migration to an importable package."""
    package = tmp_path / f"shop_{tmp_path.name}"
    package.mkdir()
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)

    def write(source, name="20261122_1600_create_parcels") -> MigrationFile:
        path = package / f"{name}.py"
        path.write_text(source)
        return MigrationFile(path, f"{package.name}.{name}")

    return write


@pytest.mark.parametrize("table", ["parcels", "api_keys", "plan_limits", "sha256_sums"])
def test_plural_snake_case_table_is_accepted(table):
    assert table_name_errors(make_model(meta={"db_table": table})) == []


@pytest.mark.parametrize("table", ["parcel", "Parcels", "shop__parcels", "apiKeys", "address", "_parcels", "api-keys"])
def test_other_table_name_is_reported(table):
    (error,) = table_name_errors(make_model(meta={"db_table": table}))
    assert error.id == "keyhouse.E001"
    assert repr(table) in error.msg
    assert "plural snake_case" in str(error.hint)


def test_undeclared_table_name_is_reported():
    (error,) = table_name_errors(make_model("Parcels", meta={"db_table": None}))
    assert error.msg == "Parcels does not declare Meta.db_table."


@pytest.mark.parametrize("meta", [{"managed": False}, {"proxy": True}])
def test_unmanaged_and_proxy_models_are_not_checked(meta):
    base = make_model() if "proxy" in meta else models.Model
    assert table_name_errors(make_model("Other", base=base, meta={"db_table": None} | meta)) == []


def test_two_models_in_one_file_are_reported_once():
    first, second = make_model("Parcel"), make_model("MailMessage")
    other = make_model("Stamp", module="apps.shop.models.stamp")
    (error,) = shared_file_errors([first, other, second])
    assert (error.id, error.msg) == (
        "keyhouse.E002",
        "apps.shop.models.parcel defines 2 models: MailMessage, Parcel.",
    )


def test_one_model_a_file_is_accepted():
    assert shared_file_errors([make_model(), make_model("Stamp", module="apps.shop.models.stamp")]) == []


def test_a_model_in_its_own_file_is_accepted():
    assert model_file_errors(make_model("ApiKeySecret", module="apps.shop.models.api_key_secret")) == []


@pytest.mark.parametrize("module", ["apps.shop.models", "apps.shop.models.parcels", "apps.shop.services.parcel"])
def test_hint_names_the_expected_module(module):
    (error,) = model_file_errors(make_model(module=module))
    assert (error.id, error.hint) == ("keyhouse.E003", "Move it to apps.shop.models.parcel.")


@pytest.mark.parametrize(
    ("class_name", "file_name"),
    [
        ("User", "user"),
        ("ApiKeySecret", "api_key_secret"),
        ("APIKey", "api_key"),
        ("OAuthAccount", "oauth_account"),
        ("Sha256Sum", "sha256_sum"),
    ],
)
def test_class_name_is_converted_to_snake_case(class_name, file_name):
    assert to_snake_case(class_name) == file_name


def test_camel_case_column_is_reported():
    model = make_model(weightGrams=models.IntegerField(), ok_name=models.IntegerField(), owner_id=models.IntegerField())
    (error,) = column_name_errors(model)
    assert (error.id, error.obj.name) == ("keyhouse.E004", "weightGrams")


def test_column_name_is_checked_instead_of_field_name():
    assert ids_of(column_name_errors(make_model(x=models.IntegerField(db_column="X")))) == ["keyhouse.E004"]
    assert column_name_errors(make_model(X=models.IntegerField(db_column="x"))) == []


def test_timestamp_without_suffix_is_reported():
    model = make_model(
        sent=models.DateTimeField(),
        arrived_at=models.DateTimeField(),
        locked_until=models.DateTimeField(),
        day=models.DateField(),
    )
    (error,) = timestamp_name_errors(model)
    assert (error.id, error.obj.name) == ("keyhouse.E005", "sent")


def test_inherited_django_timestamp_is_not_checked():
    assert timestamp_name_errors(make_model(base=AbstractBaseUser)) == []


def test_own_timestamp_named_like_a_django_field_is_reported():
    assert ids_of(timestamp_name_errors(make_model(last_login=models.DateTimeField()))) == ["keyhouse.E005"]


def test_floats_are_reported_in_arrays_too():
    model = make_model(
        weight=models.FloatField(),
        sizes=ArrayField(ArrayField(models.FloatField())),
        price=models.DecimalField(max_digits=9, decimal_places=2),
        codes=ArrayField(models.IntegerField()),
    )
    errors = float_errors(model)
    assert ids_of(errors) == ["keyhouse.E006", "keyhouse.E006"]
    assert [error.obj.name for error in errors] == ["weight", "sizes"]


def test_dated_migration_is_accepted():
    assert file_name_errors(MigrationFile(Path("20261122_1600_create_users.py"), "m")) == []


@pytest.mark.parametrize(
    "name",
    [
        "0001_initial",
        "20261122_create_users",
        "20261122_1600",
        "20261122_1600_",
        "20261122_1600_CreateUsers",
        "20261322_1600_create_users",
        "20261122_2460_create_users",
        "x20261122_1600_create_users",
    ],
)
def test_other_migration_name_is_reported(name):
    (error,) = file_name_errors(MigrationFile(Path(f"{name}.py"), f"apps.shop.migrations.{name}"))
    assert (error.id, error.obj) == ("keyhouse.E007", f"apps.shop.migrations.{name}")


def test_migration_may_import_django_and_standard_library(migration_file):
    file = migration_file("import uuid\nimport django.contrib.postgres.fields\nfrom django.db import models\n")
    assert import_errors(file) == []


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("from apps.users.models import User", "apps.users.models"),
        ("import apps.users.models.user", "apps.users.models.user"),
        ("from ..models import User", "..models"),
        ("from . import other", "."),
        ("import ninja", "ninja"),
        ("def forwards(apps, editor):\n    from config import settings", "config"),
    ],
)
def test_other_import_in_migration_is_reported(migration_file, source, name):
    (error,) = import_errors(migration_file(source))
    assert error.id == "keyhouse.E008"
    assert f"imports {name}," in error.msg


@pytest.mark.parametrize(
    "operation",
    [
        "migrations.RunPython(migrations.RunPython.noop)",
        "migrations.RunSQL('SELECT 1')",
        "migrations.SeparateDatabaseAndState(database_operations=[migrations.RunSQL('SELECT 1')])",
    ],
)
def test_irreversible_operation_is_reported(migration_file, operation):
    (error,) = reversal_errors(migration_file(MIGRATION.format(operations=operation)))
    assert error.id == "keyhouse.E009"


@pytest.mark.parametrize(
    "operation",
    [
        "migrations.RunPython(migrations.RunPython.noop, migrations.RunPython.noop)",
        "migrations.RunSQL('SELECT 1', migrations.RunSQL.noop)",
        "migrations.SeparateDatabaseAndState(state_operations=[migrations.RunSQL('SELECT 1')])",
    ],
)
def test_reversible_operation_is_accepted(migration_file, operation):
    assert reversal_errors(migration_file(MIGRATION.format(operations=operation))) == []


def test_migration_files_are_found_in_order(migration_file):
    second = migration_file("", "20261122_1601_b")
    first = migration_file("", "0001_a")
    assert list(files_of(second.module.rpartition(".")[0])) == [first, second]


def test_missing_package_has_no_migrations():
    assert list(files_of("apps.core.no_such_package")) == []


def test_project_follows_the_conventions():
    assert run_checks(tags=["conventions"]) == []
