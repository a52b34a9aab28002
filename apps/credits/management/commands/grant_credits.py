"""`manage.py grant_credits`."""

from argparse import ArgumentParser
from typing import Any, get_args

from apps.core.authorization.principal import OPERATOR
from apps.core.event_loop import call_service
from apps.core.management.service_command import ServiceCommand
from apps.credits.dependencies import credit_service
from apps.credits.schemas.credit_transaction import CreditPosting, PostedType
from apps.users.dependencies import user_service


class Command(ServiceCommand):
    """Posts credits to a customer."""

    help = (
        "Post credits to a customer. Only an adjustment may be negative. A reference is posted once per customer. "
        "Needs no approval, whatever the amount: who runs commands could change CREDIT_APPROVAL_ABOVE as well."
    )
    examples = (
        "manage.py grant_credits ann@example.com 100 --reference-id 'invoice 7'",
        "manage.py grant_credits ann@example.com -5 --type adjustment --description 'charged twice'",
    )

    def add_own_arguments(self, parser: ArgumentParser) -> None:
        """Add the customer and the posting."""
        parser.add_argument("email", metavar="EMAIL", help="the customer's e-mail address")
        parser.add_argument("amount", metavar="AMOUNT", help="a decimal with up to 6 places, such as 12.50")
        parser.add_argument(
            "--type",
            choices=get_args(PostedType),
            default="top_up",
            help="top_up (sold) by default; goodwill, refund or adjustment otherwise",
        )
        parser.add_argument(
            "--description",
            "--reason",
            default="",
            help="shown to the customer; required for an adjustment (--reason is the former name)",
        )
        parser.add_argument(
            "--internal-reason", dest="internal_reason", default="", help="why, kept in the audit trail for staff alone"
        )
        parser.add_argument(
            "--reference-id",
            "--reference",
            help="what the credits are for, such as an invoice number (--reference is the former name)",
        )

    def run(self, options: dict[str, Any]) -> None:
        """Post the credits."""
        fields = ("type", "amount", "description", "reference_id")
        sent = {field: options[field] for field in fields}
        posting = CreditPosting.model_validate({**sent, "reason": options["internal_reason"]})
        user_id = call_service(user_service().id_of_email, options["email"])
        self.show(call_service(credit_service().post, OPERATOR, user_id, posting), options)
