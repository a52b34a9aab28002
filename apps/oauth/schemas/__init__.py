"""What the OAuth endpoints answer."""

from apps.oauth.schemas.introspection_out import IntrospectionOut
from apps.oauth.schemas.oauth_error_out import OAuthErrorOut
from apps.oauth.schemas.server_metadata import ServerMetadata
from apps.oauth.schemas.token_out import TokenOut

__all__ = ["IntrospectionOut", "OAuthErrorOut", "ServerMetadata", "TokenOut"]
