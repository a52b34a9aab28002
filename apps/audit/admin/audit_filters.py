"""Filters whose choices are known, because asking the table for them would read all of it."""

from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.audit.domain.audit_entry import Outcome
from apps.core.admin.generic_bases import ModelAdminBase
from apps.core.authorization.principal import CredentialKind
from apps.core.declarations.installed import audit_kinds


class TargetKindFilter(SimpleListFilter):
    """Events about one kind of thing."""

    title = "target"
    parameter_name = "target_kind"

    def lookups(self, request: HttpRequest, model_admin: ModelAdminBase) -> list[tuple[str, str]]:
        """Return the kinds."""
        return [(kind.name, kind.label) for kind in audit_kinds().values()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the events about the chosen kind."""
        return queryset.filter(target_kind=self.value()) if self.value() else queryset


class ActorKindFilter(SimpleListFilter):
    """Events by one kind of credential."""

    title = "credential"
    parameter_name = "actor_kind"

    def lookups(self, request: HttpRequest, model_admin: ModelAdminBase) -> list[tuple[str, str]]:
        """Return the kinds."""
        return [
            (CredentialKind.SESSION, "Session"),
            (CredentialKind.API_KEY, "API key"),
            (CredentialKind.OPERATOR, "Operator"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the events by the chosen kind."""
        return queryset.filter(actor_kind=self.value()) if self.value() else queryset


class OutcomeFilter(SimpleListFilter):
    """Events with one outcome."""

    title = "outcome"
    parameter_name = "outcome"

    def lookups(self, request: HttpRequest, model_admin: ModelAdminBase) -> list[tuple[str, str]]:
        """Return the outcomes."""
        return [(outcome, outcome.capitalize()) for outcome in Outcome]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the events with the chosen outcome."""
        return queryset.filter(outcome=self.value()) if self.value() else queryset
