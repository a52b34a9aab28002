"""What an operation asks of its caller before it runs: scopes of the credential, or a role of the user.

    @router.get("/projects")
    @require_scopes(PROJECTS_READ)
    async def list_projects(request: AuthenticatedRequest) -> …

or for all operations of a router:

    router = Router(tags=["projects"])
    router.add_decorator(require_scopes(PROJECTS_READ))

A refusal is 403 INSUFFICIENT_SCOPES or FORBIDDEN, and the OpenAPI document says what is needed. The values of the
request are judged first, so a bad one is 422 whoever sends it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, override

from ninja.openapi.schema import REF_TEMPLATE, OpenAPISchema
from ninja.operation import Operation

from apps.core.authorization.authenticated_request import AuthenticatedRequest
from apps.core.authorization.principal import Principal
from apps.core.errors import NotAuthenticated
from apps.core.schemas.error_response import ErrorResponse

View = Callable[..., Awaitable[Any]]
MARK = "keyhouse_requirements"


@dataclass(frozen=True, slots=True)
class Requirements:
    """All these scopes, and of each group of roles one."""

    scopes: tuple[str, ...] = ()
    roles: tuple[tuple[str, ...], ...] = ()

    def __add__(self, other: "Requirements") -> "Requirements":
        return Requirements(tuple(dict.fromkeys(self.scopes + other.scopes)), self.roles + other.roles)

    def check(self, caller: Principal) -> None:
        """Raise InsufficientScopes or NotAllowed unless the caller has it all."""
        for scope in self.scopes:
            caller.require_scope(scope)
        for names in self.roles:
            caller.require_one_role(names)

    def sentence(self) -> str:
        """Say it to whoever reads the documentation."""
        scopes = [f"the scope `{scope}`" for scope in self.scopes]
        roles = [f"a user with the role {' or '.join(f'`{name}`' for name in names)}" for names in self.roles]
        return f"Needs {' and '.join(scopes + roles)}."


def require_scopes(*scopes: str) -> Callable[[View], View]:
    """Ask for a credential that has all these scopes; goes on an operation, or on a router by `add_decorator`."""
    return _requiring(Requirements(scopes=scopes))


def require_roles(*names: str) -> Callable[[View], View]:
    """Ask for a user who has one of these roles; goes where `require_scopes` goes.

    An API key has no role, whoever owns it; superusers have all.
    """
    return _requiring(Requirements(roles=(names,)))


def requirements_of(view: Callable[..., Any]) -> Requirements | None:
    """Return what the operation's function asks for, if anything."""
    found: Requirements | None = getattr(view, MARK, None)
    return found


class RequirementsSchema(OpenAPISchema):
    """Ninja's OpenAPI document, which also says what each operation asks of its caller.

    Scopes stand in `security`, as OpenAPI 3.1 has them for any kind of credential.
    """

    @override
    def get_components(self) -> dict[str, Any]:
        """Return the components, among them the envelope of errors, which no operation returns itself."""
        envelope = ErrorResponse.model_json_schema(ref_template=REF_TEMPLATE)
        self.add_schema_definitions(envelope.pop("$defs"))
        self.add_schema_definitions({ErrorResponse.__name__: envelope})
        components: dict[str, Any] = super().get_components()
        return components

    @override
    def operation_details(self, operation: Operation) -> dict[str, Any]:
        """Return the operation's entry."""
        details = super().operation_details(operation)
        needed = requirements_of(operation.view_func)
        if needed:
            details["description"] = f"{details.get('description', '')}\n\n{needed.sentence()}".strip()
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
    # A public operation has no caller: whoever puts a requirement on it shuts it.
    caller: Principal | None = getattr(request, "auth", None)
    if caller is None:
        raise NotAuthenticated
    return caller
