"""Every model with a foreign key to users is exported and erased, or excepted with a reason."""

from collections.abc import Iterable, Iterator

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.db.models import Model

from apps.core.conventions.own_apps import own_apps
from apps.core.declarations import PersonalDataDeclaration, app_declarations, personal_data_declarations

pytestmark = pytest.mark.integration


def personal_models() -> Iterator[type[Model]]:
    """Yield the models of our own apps that have a foreign key to users, tables of many-to-many fields too."""
    labels = {config.label for config in own_apps()}
    for model in apps.get_models(include_auto_created=True):
        keys = {field.related_model for field in model._meta.concrete_fields if field.is_relation}
        if model._meta.app_label in labels and get_user_model() in keys:
            yield model


def named(declarations: Iterable[PersonalDataDeclaration]) -> dict[str, set[str]]:
    """Return the labels that declarations name for each of the two: as done, or as excepted."""
    named: dict[str, set[str]] = {"exported": set(), "erased": set()}
    for declared in declarations:
        named["exported"].update(declared.exported, declared.not_exported)
        named["erased"].update(declared.erased, declared.not_erased)
    return named


@pytest.mark.parametrize("model", list(personal_models()), ids=lambda model: model._meta.label)
def test_model_is_exported_and_erased_or_excepted(model: type[Model]):
    label, app_label = model._meta.label, model._meta.app_label
    for what, labels in named(personal_data_declarations()).items():
        assert label in labels, (
            f"{label} has a foreign key to users. Declare it in apps/{app_label}/declaration.py: as OwnedEntity, or in "
            f"`{what}` or, with the reason, `not_{what}` of PersonalDataDeclaration."
        )


def test_models_with_a_key_to_users_are_found():
    labels = {model._meta.label for model in personal_models()}
    assert {"api_keys.ApiKey", "credits.CreditBalance", "authentication.Session"} <= labels


@pytest.mark.parametrize("app_label", [label for label, app in app_declarations().items() if app.personal_data])
def test_declaration_names_models_of_its_app_once_and_gives_reasons(app_label: str):
    declared = app_declarations()[app_label].personal_data
    assert declared is not None
    assert not set(declared.exported) & set(declared.not_exported)
    assert not set(declared.erased) & set(declared.not_erased)
    for label in set.union(*named([declared]).values()):
        assert apps.get_model(label)._meta.app_label == app_label
    for reason in (*declared.not_exported.values(), *declared.not_erased.values()):
        assert len(reason.split()) > 2, f"{app_label} excepts a model without a reason"
    assert declared.section or not declared.exported, f"{app_label} exports models and names no section"


def test_sections_have_names_of_their_own():
    sections = [declared.section for declared in personal_data_declarations() if declared.section]
    assert len(sections) == len(set(sections))
