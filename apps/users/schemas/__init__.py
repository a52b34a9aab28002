"""What goes in and out about accounts and roles."""

from apps.users.schemas.email_change_out import EmailChangeOut
from apps.users.schemas.invitation_create import InvitationCreate
from apps.users.schemas.invitation_out import InvitationOut
from apps.users.schemas.registration_confirm import RegistrationConfirm
from apps.users.schemas.role_create import RoleCreate
from apps.users.schemas.role_out import RoleOut
from apps.users.schemas.role_update import RoleUpdate
from apps.users.schemas.token_presented import TokenPresented
from apps.users.schemas.user_administration import UserAdministration
from apps.users.schemas.user_create import UserCreate
from apps.users.schemas.user_out import UserOut
from apps.users.schemas.user_query import UserQuery
from apps.users.schemas.user_update import UserUpdate

__all__ = [
    "EmailChangeOut",
    "InvitationCreate",
    "InvitationOut",
    "RegistrationConfirm",
    "RoleCreate",
    "RoleOut",
    "RoleUpdate",
    "TokenPresented",
    "UserAdministration",
    "UserCreate",
    "UserOut",
    "UserQuery",
    "UserUpdate",
]
