"""Write the domains of addresses that are there as DNS knows them, as those of new addresses are.

Where an account with that address is there too, both stay as they are: staff must decide whose it is.
"""

import unicodedata
from typing import Any

from django.db import migrations
from django.db.models.functions import Lower


def write_canonical(apps: Any, _editor: Any) -> None:
    users = apps.get_model("users", "User").objects
    for user in users.filter(email__regex=r"[^\x01-\x7f]").iterator():
        address = _canonical(user.email)
        same = users.annotate(folded=Lower("email")).filter(folded=address.lower(), deleted_at=None)
        if not same.exclude(pk=user.pk).exists():
            users.filter(pk=user.pk).update(email=address)


def _canonical(email: str) -> str:
    local, at, domain = unicodedata.normalize("NFKC", email).rpartition("@")
    return f"{local}{at}{'.'.join(map(_known_to_dns, domain.lower().split('.')))}"


def _known_to_dns(label: str) -> str:
    return label if label.isascii() else f"xn--{label.encode('punycode').decode()}"


class Migration(migrations.Migration):
    dependencies = [("users", "20261125_1830_fold_ascii_only")]

    operations = [migrations.RunPython(write_canonical, migrations.RunPython.noop)]
