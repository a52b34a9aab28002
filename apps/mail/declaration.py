"""The declaration of the mail app."""

from collections.abc import Sequence

from django.conf import settings

from apps.core.background.background_jobs import BackgroundJob
from apps.core.background.clean_up import in_batches
from apps.core.declarations import (
    AccountLink,
    AppDeclaration,
    AuditKind,
    CleanUpTask,
    EncryptedField,
    MenuEntry,
    PersonalDataDeclaration,
)
from apps.mail.dependencies import mail_delivery, mail_personal_data
from apps.mail.repositories.outgoing_mail_repository import OutgoingMailRepository
from apps.mail.services.message_service import AUDITED
from apps.mail.services.rendering import PURPOSE


def _background_jobs() -> Sequence[BackgroundJob]:
    # Without a mail server, messages stay enqueued.
    return [BackgroundJob("mail", mail_delivery().run, interval_seconds=1)] if settings.MAILERS else []


DECLARATION = AppDeclaration(
    menu=[MenuEntry("System", "mail.OutgoingMail", position=10)],
    account_links=[AccountLink("Records", "Messages", "mail.OutgoingMail", parameter="user_id")],
    audit_kinds=[AuditKind("outgoing_mail", "Message", frozenset(AUDITED))],
    personal_data=PersonalDataDeclaration(
        service=mail_personal_data,
        erased=["mail.OutgoingMail"],
        not_exported={"mail.OutgoingMail": "The recipient has the messages; they are deleted after 30 days."},
    ),
    encrypted_fields=[EncryptedField("mail.OutgoingMail", "context_encrypted", PURPOSE)],
    clean_up_tasks=[
        CleanUpTask(
            "outgoing_mails",
            "messages that were sent or failed 30 days ago",
            in_batches(OutgoingMailRepository().remove_old),
        )
    ],
    background_jobs=_background_jobs,
)
