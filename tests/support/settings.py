"""The environment variables that production requires."""

PRODUCTION = {
    "ENVIRONMENT": "production",
    "SECRET_KEY": "k" * 50,
    "DATABASE_URL": "postgresql://keyhouse:pw@db/keyhouse",
    "ALLOWED_HOSTS": "api.example.com",
}
