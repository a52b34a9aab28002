"""`manage.py collectstatic`, which every start of a server runs."""

from pathlib import Path
from typing import Any, cast

import pytest
from django.contrib.staticfiles import finders
from django.core.management import call_command

from config.management.commands.collectstatic import UNUSED

COMPRESSED = {"BACKEND": "servestatic.storage.CompressedManifestStaticFilesStorage"}
MANIFEST = {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}


@pytest.fixture
def source(tmp_path: Path, settings: Any) -> Any:
    """A folder with one file, which is to be collected; yields the file."""
    file = tmp_path / "source" / "a.css"
    file.parent.mkdir()
    file.write_text("a {}")
    settings.STATICFILES_DIRS = [file.parent]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STATIC_ROOT = tmp_path / "state" / "static"
    settings.STORAGES = {**settings.STORAGES, "staticfiles": MANIFEST}
    forget_finders()
    yield file
    forget_finders()


def forget_finders() -> None:
    """Make Django create its finders again, by the settings."""
    cast("Any", finders.get_finder).cache_clear()


def collect() -> None:
    call_command("collectstatic", interactive=False, verbosity=0)


def collected(source: Path) -> dict[str, int]:
    root = source.parent.parent / "state" / "static"
    return {file.name: file.stat().st_mtime_ns for file in root.iterdir()}


def test_unchanged_files_are_not_written_again(source: Path):
    collect()
    first = collected(source)
    assert len(first) == 3  # the file, its hashed copy, the manifest
    collect()
    assert collected(source) == first


def test_changed_file_gets_a_new_name_and_the_old_one_stays(source: Path):
    collect()
    first = set(collected(source))
    source.write_text("a { color: red }")
    collect()
    assert len(set(collected(source)) - first) == 1
    assert first < set(collected(source))


def test_files_are_collected_again_when_they_are_gone(source: Path):
    collect()
    root = source.parent.parent / "state" / "static"
    for file in root.iterdir():
        file.unlink()
    root.rmdir()
    collect()
    assert len(collected(source)) == 3


def test_large_files_that_no_page_uses_are_left_out_and_texts_are_compressed(source: Path, settings: Any):
    settings.STORAGES = {**settings.STORAGES, "staticfiles": COMPRESSED}
    source.write_text("a { color: red }\n" * 100)
    for pattern in UNUSED:
        unused = source.parent / pattern.replace("*", ".js")
        unused.parent.mkdir(parents=True, exist_ok=True)
        unused.write_text("x")
    collect()
    names = set(collected(source))
    assert len(names) == 5  # the file, its hashed copy, both compressed, and the manifest
    assert {"a.css", "a.css.gz", "staticfiles.json"} < names
