"""The house rules that need Django to be loaded, as system checks with stable ids.

keyhouse.E001  a table's name is declared, plural and snake_case
keyhouse.E002  one model a file
keyhouse.E003  the file is named after the model, in `models/`
keyhouse.E004  a column's name is snake_case
keyhouse.E005  a timestamp's name ends in `_at`, or in `_until` where it is an end
keyhouse.E006  nothing is a float
keyhouse.E007  a migration is named yyyymmdd_HHmm_<feature>.py
keyhouse.E008  a migration imports Django and the standard library, nothing of ours
keyhouse.E009  a migration can be undone

An id is never given to another rule. What the source alone shows is checked in `tests/architecture`.
"""

from apps.core.conventions.checks.column_names import check_column_names
from apps.core.conventions.checks.migration_file_names import check_migration_file_names
from apps.core.conventions.checks.migration_imports import check_migration_imports
from apps.core.conventions.checks.model_file_names import check_model_file_names
from apps.core.conventions.checks.no_floats import check_no_floats
from apps.core.conventions.checks.one_model_a_file import check_one_model_a_file
from apps.core.conventions.checks.reversible_migrations import check_reversible_migrations
from apps.core.conventions.checks.table_names import check_table_names
from apps.core.conventions.checks.timestamp_names import check_timestamp_names

CONVENTION_CHECKS = (
    check_table_names,
    check_one_model_a_file,
    check_model_file_names,
    check_column_names,
    check_timestamp_names,
    check_no_floats,
    check_migration_file_names,
    check_migration_imports,
    check_reversible_migrations,
)
