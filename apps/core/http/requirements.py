"""Requirements of an operation, checked before it runs: scopes of the credential, or a role of the user.

    @router.get("/projects")
    @require_scopes(PROJECTS_READ)
    async def list_projects(request: AuthenticatedRequest) -> …

or for all operations of a router:

    router = Router(tags=["projects"])
    router.add_decorator(require_scopes(PROJECTS_READ))

A caller who lacks one gets 403 INSUFFICIENT_SCOPES or FORBIDDEN. The OpenAPI document states the requirements. The
request's values are validated first, so an invalid value is 422 for every caller.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, override

from ninja.openapi.schema import REF_TEMPLATE, OpenAPISchema
from ninja.operation import Operation

from apps.core.authorization.principal import AuthenticatedRequest, Principal
from apps.core.errors import NotAuthenticated
from apps.core.schemas.common_responses import ErrorResponse

View = Callable[..., Awaitable[Any]]
MARK = "keyhouse_requirements"


@dataclass(frozen=True, slots=True)
class Requirements:
    """All of these scopes, and one role of each group."""

    scopes: tuple[str, ...] = ()
    roles: tuple[tuple[str, ...], ...] = ()

    def __add__(self, other: "Requirements") -> "Requirements":
        return Requirements(tuple(dict.fromkeys(self.scopes + other.scopes)), self.roles + other.roles)

    def check(self, caller: Principal) -> None:
        """Raise InsufficientScopes or NotAllowed unless the caller meets all requirements."""
        for scope in self.scopes:
            caller.require_scope(scope)
        for names in self.roles:
            caller.require_one_role(names)

    def description(self) -> str:
        """Return a sentence for the API documentation."""
        scopes = [f"the scope `{scope}`" for scope in self.scopes]
        roles = [f"a user with the role {' or '.join(f'`{name}`' for name in names)}" for names in self.roles]
        return f"Requires {' and '.join(scopes + roles)}."


def require_scopes(*scopes: str) -> Callable[[View], View]:
    """Require a credential with all of these scopes. Decorates an operation, or a router by `add_decorator`."""
    return _requiring(Requirements(scopes=scopes))


def require_roles(*names: str) -> Callable[[View], View]:
    """Require a user with one of these roles. Decorates the same objects as `require_scopes`.

    API keys have no roles, regardless of their owner. Superusers have all roles.
    """
    return _requiring(Requirements(roles=(names,)))


def requirements_of(view: Callable[..., Any]) -> Requirements | None:
    """Return the requirements of the operation's function, or None."""
    found: Requirements | None = getattr(view, MARK, None)
    return found


class RequirementsSchema(OpenAPISchema):
    """Ninja's OpenAPI document, with the requirements of each operation.

    Scopes are listed in `security`, as OpenAPI 3.1 allows for every kind of credential.
    """

    @override
    def get_components(self) -> dict[str, Any]:
        """Return the components, including the error envelope, which no operation returns itself."""
        envelope = ErrorResponse.model_json_schema(ref_template=REF_TEMPLATE)
        self.add_schema_definitions(envelope.pop("$defs"))
        self.add_schema_definitions({ErrorResponse.__name__: envelope})
        components: dict[str, Any] = super().get_components()
        return components

    @override
    def operation_details(self, operation: Operation) -> dict[str, Any]:
        """Return the entry of the operation."""
        details = super().operation_details(operation)
        needed = requirements_of(operation.view_func)
        if needed:
            details["description"] = f"{details.get('description', '')}\n\n{needed.description()}".strip()
            for credential in details.get("security", ()):
                for names in credential.values():
                    names.extend(needed.scopes)
        return details


def _requiring(needed: Requirements) -> Callable[[View], View]:
    def decorate(view: View) -> View:
        @wraps(view)
        async def guarded(request: AuthenticatedRequest, *args: Any, **values: Any) -> Any:
            needed.check(_caller(request))
            return await view(request, *args, **values)

        setattr(guarded, MARK, needed + (requirements_of(view) or Requirements()))
        return guarded

    return decorate


def _caller(request: AuthenticatedRequest) -> Principal:
    # A public operation has no authenticated caller, so a requirement on it always fails.
    caller: Principal | None = getattr(request, "auth", None)
    if caller is None:
        raise NotAuthenticated
    return caller
