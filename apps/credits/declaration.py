"""The declaration of the credits app."""

from apps.core.declarations import (
    AccountLink,
    AppDeclaration,
    MenuEntry,
    Mount,
    PersonalDataDeclaration,
)
from apps.credits.dependencies import credits_personal_data
from apps.credits.routers import credit_router

DECLARATION = AppDeclaration(
    mounts=[
        Mount("/users", credit_router.user_router),
        Mount("/credits", credit_router.router),
    ],
    menu=[MenuEntry("Credits", "credits.CreditTransaction", position=10, label="Ledger")],
    account_links=[
        AccountLink("Keys and credits", "Balance", "credits.CreditBalance", page="change", parameter=""),
        AccountLink("Keys and credits", "Ledger", "credits.CreditTransaction"),
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
    personal_data=PersonalDataDeclaration(
        service=credits_personal_data,
        section="credits",
        exported=["credits.CreditBalance", "credits.CreditTransaction", "credits.LedgerEntry"],
        not_erased={
            "credits.CreditBalance": "Must agree with the ledger; holds amounts only.",
            "credits.CreditTransaction": "The ledger is append-only and kept for accounting.",
            "credits.LedgerEntry": "A view of the ledger.",
        },
    ),
)
