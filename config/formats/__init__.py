"""How the admin writes values."""
