"""`manage.py restore_database` on servers that are older than the program that writes the script."""

from pathlib import Path

import pytest

from config.management.commands.restore_database import HEAD_BYTES, NEW_SETTING, comment_out

pytestmark = pytest.mark.unit

HEAD = b"--\n-- PostgreSQL database dump\n--\n\nSET lock_timeout = 0;\n"
REST = b"\nCOPY notes (text) FROM stdin;\n" + b"x" * HEAD_BYTES + NEW_SETTING + b"\n\\.\n"


@pytest.mark.parametrize(
    ("setting", "left"), [(NEW_SETTING, NEW_SETTING.replace(b"SET", b"-- ")), (b"", b""), (b"SET other = 0;",) * 2]
)
def test_only_the_setting_in_the_head_becomes_a_comment(tmp_path: Path, setting: bytes, left: bytes):
    script = tmp_path / "script.sql"
    script.write_bytes(HEAD + setting + REST)
    with script.open("r+b", buffering=0) as opened:
        comment_out(opened, NEW_SETTING)
    assert script.read_bytes() == HEAD + left + REST
