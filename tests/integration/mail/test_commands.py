"""The operator's commands about mail."""

import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F
from django.db.models.functions import Now

from apps.core.event_loop import call_service
from apps.mail.models import OutgoingMail
from tests.support.server import free_port

pytestmark = pytest.mark.usefixtures("database")


def run(command: str, *arguments: str) -> Any:
    out = io.StringIO()
    call_command(command, *arguments, "--json", stdout=out)
    return json.loads(out.getvalue())


def test_a_test_mail_is_sent_at_once(inbox):
    assert run("send_test_mail", "ann@example.com") == {"recipient": "ann@example.com", "state": "sent"}
    assert inbox.recipients == ["ann@example.com"]
    assert inbox.messages[0]["Subject"] == "Keyhouse can send mail"
    mail = OutgoingMail.objects.get()
    assert mail.sent_at is not None
    assert mail.expires_at - mail.created_at == timedelta(minutes=10)


@pytest.mark.parametrize("option", ["--enqueue-only", "--post-only"])
def test_a_test_mail_can_be_left_to_the_server(inbox, option):
    assert run("send_test_mail", "ann@example.com", option)["state"] == "enqueued"
    assert inbox.messages == []
    assert OutgoingMail.objects.get().attempts == 0


def test_the_error_is_reported(use_mailer, database):
    use_mailer(f"smtp://user:hunter2@127.0.0.1:{free_port()}?starttls=false")
    with pytest.raises(CommandError) as refused:
        run("send_test_mail", "ann@example.com")
    assert str(refused.value) == "The message was not sent: ConnectionRefusedError"


def test_without_a_mail_server_the_test_is_refused(settings):
    settings.MAILERS = {}
    with pytest.raises(CommandError, match="MAIL_URL is not set"):
        run("send_test_mail", "ann@example.com")
    assert not OutgoingMail.objects.exists()


@pytest.mark.parametrize("address", ["ann", "ann@example.com\nBcc: all@example.com"])
def test_a_malformed_address_is_rejected(inbox, address):
    with pytest.raises(CommandError, match="must be an e-mail address"):
        run("send_test_mail", address)
    assert not OutgoingMail.objects.exists()


def store(enqueue: Any, key: str, **changes: Any) -> None:
    call_service(enqueue, key=key)
    OutgoingMail.objects.filter(key=key).update(**changes)


def test_old_messages_are_removed(enqueue):
    long_ago, lately = Now() - timedelta(days=30, minutes=1), Now() - timedelta(days=29)
    store(enqueue, "sent long ago", sent_at=long_ago)
    store(enqueue, "failed long ago", failed_at=long_ago)
    store(enqueue, "sent lately", sent_at=lately)
    store(enqueue, "expired long ago", expires_at=long_ago)
    store(enqueue, "waits", created_at=F("created_at") - timedelta(days=31))
    assert run("clean_up")["outgoing_mails"] == 3
    assert sorted(OutgoingMail.objects.values_list("key", flat=True)) == ["sent lately", "waits"]
