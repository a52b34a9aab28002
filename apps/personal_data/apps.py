"""Registers the room with Django."""

from django.apps import AppConfig


class PersonalDataConfig(AppConfig):
    """What is kept of a person, in all rooms."""

    name = "apps.personal_data"
    label = "personal_data"
    verbose_name = "Personal data"
