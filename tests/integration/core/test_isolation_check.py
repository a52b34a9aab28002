"""Behind a pooler, a server whose transactions would not see what they have waited for is refused at the start."""

from collections.abc import Iterator

import pytest
from django.db import connection

from apps.core.database.connection_check import DatabaseUnusable, require_database


@pytest.fixture
def strict_database(database: None) -> Iterator[None]:
    """Let transactions of the test database be `repeatable read` by default."""
    name = connection.ops.quote_name(connection.settings_dict["NAME"])
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {name} SET default_transaction_isolation = 'repeatable read'")
        yield
        cursor.execute(f"ALTER DATABASE {name} RESET default_transaction_isolation")


def test_another_isolation_level_is_refused_behind_a_pooler(strict_database: None, settings):
    require_database()
    settings.DATABASE_POOLER = "transaction"
    with pytest.raises(DatabaseUnusable, match="repeatable read: ALTER ROLE"):
        require_database()


def test_the_own_level_of_postgresql_is_accepted_behind_a_pooler(database: None, settings):
    settings.DATABASE_POOLER = "transaction"
    require_database()
