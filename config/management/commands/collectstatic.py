"""`manage.py collectstatic`: Django's, once for each version of the files."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.management.commands import collectstatic

from apps.core.management.service_command import DocumentedCommand

# Large files of libraries that no page links to, in the form of --ignore.
UNUSED = ("ninja/redoc*", "unfold/fonts/*", "unfold/js/chart/*", "unfold/js/htmx/*", "unfold/js/jedison/*")


class Command(DocumentedCommand, collectstatic.Command):
    """Collects the static files under names that contain a hash of their content, unless that has been done.

    Django rewrites the hashed files each time. That would fail in an image, whose files cannot be written, and would
    take files away from another server of the same checkout for a moment.
    """

    help = "Collect the static files under names with a hash, unless this version's files are collected already."
    examples: ClassVar = ["manage.py collectstatic --noinput"]

    def set_options(self, **options: Any) -> None:
        """Leave out what no page uses."""
        super().set_options(**{**options, "ignore_patterns": [*options["ignore_patterns"], *UNUSED]})

    def handle(self, **options: Any) -> str | None:
        """Collect the files, one process at a time, if they have changed since the last time."""
        if options["dry_run"]:
            return super().handle(**options)
        version = _version()
        if self._is_needed(version, options):
            with _exclusively():
                if self._is_needed(version, options):
                    super().handle(**options)
                    _stamp().write_text(version)
        return None

    def _is_needed(self, version: str, options: dict[str, Any]) -> bool:
        return bool(options["clear"]) or _collected_version() != version


def _version() -> str:
    """Return a digest of the names and contents of all static files, and of how they are stored."""
    digest = sha256(f"{settings.STORAGES['staticfiles']['BACKEND']} {UNUSED}".encode())
    for finder in get_finders():
        for name, storage in sorted(finder.list([]), key=lambda found: str(found[0])):
            with storage.open(name) as file:
                digest.update(f"{name}\0{file.size}\0".encode() + file.read())
    return digest.hexdigest()


def _stamp() -> Path:
    root = Path(settings.STATIC_ROOT)
    return root.with_name(f"{root.name}.version")


def _collected_version() -> str:
    return _stamp().read_text() if _stamp().exists() and Path(settings.STATIC_ROOT).is_dir() else ""


@contextmanager
def _exclusively() -> Iterator[None]:
    _stamp().parent.mkdir(parents=True, exist_ok=True)
    with _stamp().with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
