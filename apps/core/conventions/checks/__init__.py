"""The conventions that can be checked only after Django is loaded, as system checks with stable ids.

keyhouse.E001  table names are declared, plural and snake_case
keyhouse.E002  each file defines one model
keyhouse.E003  a model's file is in `models/` and named after the model
keyhouse.E004  column names are snake_case
keyhouse.E005  timestamp names end in `_at`, or in `_until` for the end of a period
keyhouse.E006  no field is a float
keyhouse.E007  migrations are named yyyymmdd_HHmm_<feature>.py
keyhouse.E008  migrations import only Django and the standard library
keyhouse.E009  migrations are reversible

An id is never reused for another rule. `tests/architecture` checks the conventions that the source alone shows.
"""

from apps.core.conventions.checks.migration_checks import (
    check_migration_file_names,
    check_migration_imports,
    check_reversible_migrations,
)
from apps.core.conventions.checks.model_checks import (
    check_column_names,
    check_model_file_names,
    check_no_floats,
    check_one_model_a_file,
    check_table_names,
    check_timestamp_names,
)

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
