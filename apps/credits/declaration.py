"""The declaration of the credits app."""

from apps.core.background.clean_up import in_batches
from apps.core.declarations import (
    AccountLink,
    AppDeclaration,
    AuditKind,
    CleanUpTask,
    MenuEntry,
    Mount,
    PersonalDataDeclaration,
)
from apps.credits.dependencies import credit_approval_service, credits_personal_data
from apps.credits.routers import credit_approval_router, credit_router

PLAIN_OF_APPROVALS = frozenset({"state", "type", "amount", "expires_at", "transaction_id"})


async def _expire_approvals(maximum: int) -> int:
    return await credit_approval_service().expire(maximum)


DECLARATION = AppDeclaration(
    mounts=[
        Mount("/users", credit_router.user_router),
        Mount("/credits", credit_router.router),
        Mount("/credits/approvals", credit_approval_router.router),
    ],
    menu=[
        MenuEntry("Credits", "credits.CreditTransaction", position=10, label="Ledger"),
        MenuEntry("Credits", "credits.CreditApproval", position=20, label="Approvals"),
    ],
    account_links=[
        AccountLink("Keys and credits", "Balance", "credits.CreditBalance", page="change", parameter=""),
        AccountLink("Keys and credits", "Ledger", "credits.CreditTransaction"),
        AccountLink("Keys and credits", "Approvals of credits", "credits.CreditApproval"),
        AccountLink(
            "Keys and credits",
            "Post credits",
            "credits.CreditBalance",
            page="post_selected",
            verbs=["change"],
            parameter="id",
            is_hidden_when_deleted=True,
        ),
    ],
    audit_kinds=[AuditKind("credit_approval", "Approval of credits", PLAIN_OF_APPROVALS, is_internal=True)],
    personal_data=PersonalDataDeclaration(
        service=credits_personal_data,
        section="credits",
        exported=["credits.CreditBalance", "credits.CreditTransaction", "credits.LedgerEntry"],
        erased=["credits.CreditApproval"],
        not_exported={
            "credits.CreditApproval": "What was approved is in the ledger; the rest is between members of staff."
        },
        not_erased={
            "credits.CreditBalance": "Must agree with the ledger; holds amounts only.",
            "credits.CreditTransaction": "The ledger is append-only and kept for accounting.",
            "credits.LedgerEntry": "A view of the ledger.",
        },
    ),
    clean_up_tasks=[
        CleanUpTask(
            "credit_approvals",
            "postings that were not approved within seven days from those that wait: they are stored as expired",
            in_batches(_expire_approvals),
        )
    ],
)
