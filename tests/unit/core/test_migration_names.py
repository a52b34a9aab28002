"""The names that Django's commands give migrations, in a temporary project with the app `shop`."""

import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from apps.core.conventions.migration_names import DatedMigrationAutodetector, MigrationName

pytestmark = pytest.mark.unit

PROJECT = Path(__file__).parents[3]
MANAGE = """
import sys
from pathlib import Path
import apps
apps.__path__.append(str(Path(__file__).parent / "own"))
from django.conf import settings
from django.core.management import execute_from_command_line
settings.configure(
    INSTALLED_APPS=["apps.core", "apps.shop", "stall"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "shop.sqlite3"}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
    # Core is the real app: no test may write a migration into it.
    MIGRATION_MODULES={"core": None},
    SILENCED_SYSTEM_CHECKS=["keyhouse.E002", "keyhouse.E003"],
)
execute_from_command_line(sys.argv)
"""
MODEL = """
class {name}(models.Model):
    {fields}
    class Meta:
        app_label = "{label}"
        db_table = "{label}_{table}s"
"""


def name_of(stem: str) -> MigrationName:
    """Parse a name that must be a dated name."""
    parsed = MigrationName.parse(stem)
    assert parsed is not None, stem
    return parsed


def model_source(label: str, name: str, fields: str) -> str:
    """Return the source of a model with the fields."""
    return MODEL.format(label=label, name=name, table=name.lower(), fields=fields)


class Shop:
    """A temporary project with an app under `apps`, an app `stall` in the role of a library, and SQLite."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.migrations = folder / "own/shop/migrations"
        for package in (self.migrations, folder / "stall/migrations"):
            package.mkdir(parents=True)
            (package / "__init__.py").touch()
            (package.parent / "__init__.py").touch()
        (folder / "manage.py").write_text(MANAGE)
        self.write_models("stall", Parcel="weight = models.IntegerField()")

    def write_models(self, label: str, **fields: str) -> None:
        """Replace the app's models by these, given as names and fields."""
        classes = [model_source(label, name, body) for name, body in fields.items()]
        path = self.migrations.parent if label == "shop" else self.folder / label
        (path / "models.py").write_text("from django.db import models\n" + "".join(classes))

    def manage(self, *arguments: str, status: int = 0) -> str:
        """Run a command and return its output."""
        environment = os.environ | {"PYTHONPATH": str(PROJECT), "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=self.folder, env=environment, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    def names(self) -> list[str]:
        """Return the names of shop's migrations, sorted."""
        return sorted(path.stem for path in self.migrations.glob("*.py") if path.stem != "__init__")

    def features(self) -> list[str]:
        """Return the features of shop's migrations, in the order of their names. Fails for other names."""
        return [name_of(name).feature for name in self.names()]

    def write_migration(self, name: str, after: str, operations: str = "") -> None:
        """Write a migration, as if from another branch."""
        source = (
            "from django.db import migrations, models\n\nclass Migration(migrations.Migration):\n"
            f"    dependencies = [('shop', '{after}')]\n    operations = [{operations}]\n"
        )
        (self.migrations / f"{name}.py").write_text(source)


@pytest.fixture
def shop(tmp_path) -> Shop:
    """Return a shop with one model and no migrations."""
    shop = Shop(tmp_path)
    shop.write_models("shop", Parcel="weight = models.IntegerField()")
    return shop


@pytest.fixture
def open_shop(shop: Shop) -> Shop:
    """Return a shop with its first migration."""
    shop.manage("makemigrations", "shop")
    return shop


def test_dated_name_round_trips():
    parsed = name_of("20261122_1605_create_users")
    assert parsed == (datetime(2026, 11, 22, 16, 5, tzinfo=UTC), "create_users")
    assert str(parsed) == "20261122_1605_create_users"


@pytest.mark.parametrize("name", ["0001_initial", "20261322_1605_x", "20261122_1605", "20261122_1605_X"])
def test_other_names_are_not_parsed(name):
    assert MigrationName.parse(name) is None


def test_next_name_is_after_future_names():
    name = MigrationName.next_after(["20991231_2359_b", "20261122_1605_a", "0001_initial"], "c")
    assert str(name) == "21000101_0000_c"


def test_next_name_is_the_current_minute_in_utc():
    before = datetime.now(UTC).replace(second=0, microsecond=0)
    name = MigrationName.next_after(["20200101_0000_a"], "b")
    assert before <= name.written_at <= datetime.now(UTC)


def test_dated_name_parses_to_its_time_as_number():
    number = DatedMigrationAutodetector.parse_number
    assert number("20261122_1605_b") == 202611221605
    assert number("0007_seven") == 7
    assert number("0001_squashed_0004_four") == 4
    assert number("custom") is None


def test_first_migration_is_named_after_its_app(open_shop):
    assert open_shop.features() == ["create_shop"]
    assert abs(name_of(open_shop.names()[0]).written_at - datetime.now(UTC)).seconds < 120


def test_other_apps_keep_django_names(shop):
    shop.manage("makemigrations", "stall")
    assert (shop.folder / "stall/migrations/0001_initial.py").exists()
    assert shop.names() == []


def test_change_in_the_same_minute_sorts_later(open_shop):
    open_shop.write_models("shop", Parcel="weight = models.IntegerField(); size = models.IntegerField(default=1)")
    open_shop.manage("makemigrations")
    assert open_shop.features() == ["create_shop", "parcel_size"]
    assert f"('shop', '{open_shop.names()[0]}')" in (
        open_shop.migrations / f"{open_shop.names()[1]}.py"
    ).read_text().replace('"', "'")


def test_requested_name_is_used(shop):
    shop.manage("makemigrations", "shop", "--name", "open_the_shop")
    assert shop.features() == ["open_the_shop"]


def test_circular_foreign_keys_get_several_migrations(shop):
    link = "other = models.ForeignKey('{}', models.CASCADE)"
    shop.write_models("shop", Parcel=link.format("stall.Parcel"))
    shop.write_models("stall", Parcel=link.format("shop.MailMessage"), Sack=link.format("shop.Parcel"))
    with (shop.migrations.parent / "models.py").open("a") as file:
        file.write(model_source("shop", "MailMessage", link.format("stall.Sack")))
    shop.manage("makemigrations")
    assert len(shop.names()) > 1
    assert shop.features()[0] == "create_shop"
    assert "initial" not in shop.features()
    shop.manage("migrate")


def test_migrate_applies_dated_migrations(open_shop):
    assert "create_shop... OK" in open_shop.manage("migrate", "shop")
    assert "No changes detected" in open_shop.manage("makemigrations", "--check", "shop")


def test_check_reports_missing_migration_without_writing(shop):
    shop.manage("makemigrations", "shop", "--check", status=1)
    assert shop.names() == []


def test_empty_migration_needs_a_name(open_shop):
    assert "needs --name" in open_shop.manage("makemigrations", "shop", "--empty", status=1)
    open_shop.manage("makemigrations", "shop", "--empty", "--name", "fill_weights")
    assert open_shop.features() == ["create_shop", "fill_weights"]


def test_name_in_camel_case_is_rejected(shop):
    assert "snake_case" in shop.manage("makemigrations", "shop", "--name", "OpenShop", status=1)
    assert shop.names() == []


def test_update_renames_last_migration_to_a_new_time(open_shop):
    before = open_shop.names()
    open_shop.write_models("shop", Parcel="size = models.IntegerField(default=1)")
    open_shop.manage("makemigrations", "shop", "--update", "--noinput")
    assert open_shop.features() == ["create_shop"]
    assert open_shop.names() > before
    text = (open_shop.migrations / f"{open_shop.names()[0]}.py").read_text()
    assert "size" in text
    assert "weight" not in text


def test_update_accepts_a_new_name(open_shop):
    open_shop.write_models("shop", Parcel="size = models.IntegerField(default=1)")
    open_shop.manage("makemigrations", "shop", "--update", "--noinput", "--name", "create_parcels")
    assert open_shop.features() == ["create_parcels"]


def test_merge_is_named_after_both_branches_and_sorts_last(open_shop):
    (first,) = open_shop.names()
    open_shop.write_migration("20990101_1000_left", first)
    open_shop.write_migration("20990101_1001_right", first, "migrations.RunSQL('SELECT 1', 'SELECT 2')")
    printed = open_shop.manage("makemigrations", "--merge", "--noinput")
    assert re.search(r"Branch 20990101_1001_right\n +.*Raw SQL", printed)
    assert open_shop.names()[-1] == "20990101_1002_merge_left_and_right"
    open_shop.manage("migrate", "shop")


def test_merge_of_unrelated_branches_is_rejected(open_shop):
    source = "from django.db import migrations\n\nclass Migration(migrations.Migration):\n    operations = []\n"
    (open_shop.migrations / "20990101_1000_alone.py").write_text(source)
    assert "no common ancestor" in open_shop.manage("makemigrations", "--merge", "--noinput", status=1)
    assert open_shop.features() == ["create_shop", "alone"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["20990101_1001"], "{first}_squashed_second"),
        (["20990101_1000", "20990101_1001"], "20990101_1000_squashed_second"),
        (["20990101_1001", "--squashed-name", "all_of_it"], "{first}_all_of_it"),
    ],
)
def test_squashed_migration_keeps_time_of_the_first(open_shop, arguments, expected):
    (first,) = open_shop.names()
    open_shop.write_migration("20990101_1000_one", first)
    open_shop.write_migration("20990101_1001_second", "20990101_1000_one")
    before = set(open_shop.names())
    open_shop.manage("squashmigrations", "shop", *arguments, "--noinput")
    (squashed,) = set(open_shop.names()) - before
    assert squashed == expected.format(first=first[:13])
    open_shop.manage("migrate", "shop")
    assert "No changes detected" in open_shop.manage("makemigrations", "--check", "shop")


def test_written_migration_passes_the_style_check(open_shop: Shop):
    shutil.copy(PROJECT / "pyproject.toml", open_shop.folder)
    open_shop.write_models("shop", Parcel="weight = models.IntegerField(default='1', help_text=\"it's heavy\")")
    open_shop.manage("makemigrations", "shop", "--name", "describe_weight")
    open_shop.manage("makemigrations", "shop", "--empty", "--name", "backfill")
    files = sorted(map(str, open_shop.migrations.glob("2*.py")))[1:]
    assert len(files) == 2
    # The shop is not below `apps`, whose migrations may import django.db.
    for command in (["format", "--check"], ["check", "--ignore", "TID251"]):
        ruff = [sys.executable, "-m", "ruff", *command, *files]
        done = subprocess.run(ruff, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
