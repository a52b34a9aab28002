"""The declaration of the api_keys app."""

from apps.api_keys.dependencies import api_key_personal_data
from apps.api_keys.routers import api_key_router, key_review_router
from apps.core.declarations import (
    AccountLink,
    AppDeclaration,
    AuditKind,
    MenuEntry,
    Mount,
    PersonalDataDeclaration,
)

DECLARATION = AppDeclaration(
    mounts=[
        Mount("/users", api_key_router.user_router),
        Mount("/api-keys", api_key_router.router),
        Mount("/auth/api-keys", key_review_router.router),
    ],
    menu=[MenuEntry("API keys", "api_keys.ApiKey")],
    account_links=[
        AccountLink("Keys and credits", "API keys", "api_keys.ApiKey"),
        AccountLink(
            "Keys and credits",
            "Add API key",
            "api_keys.ApiKey",
            page="add",
            verbs=["add"],
            parameter="user",
            is_hidden_when_deleted=True,
        ),
    ],
    audit_kinds=[
        AuditKind(
            "api_key",
            "API key",
            frozenset(
                {
                    "user_id",
                    "parent_id",
                    "environment",
                    "scopes",
                    "rate_limits",
                    "budget",
                    "is_active",
                    "expires_at",
                    "revoked_at",
                    "deleted_at",
                    "grace_seconds",
                    "prefix",
                    "token_id",
                    "audience",
                }
            ),
        )
    ],
    personal_data=PersonalDataDeclaration(
        service=api_key_personal_data,
        section="api_keys",
        exported=["api_keys.ApiKey"],
        erased=["api_keys.ApiKey"],
    ),
)
