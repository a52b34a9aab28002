"""The base path of the API."""

API_PATH = "/api/v1"
