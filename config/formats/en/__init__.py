"""How the admin writes values in English."""
