"""Where the API begins."""

API_PATH = "/api/v1"
